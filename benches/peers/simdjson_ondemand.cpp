// Visits every member of every contact with simdjson's on-demand parser: names and strings unescaped, numbers as their own
// text. Nothing is validated, changed or written: it is a measure of how fast the bytes can be read at all.
//
//   simdjson_ondemand FILE PASSES
//
// The file is a request body, or the array of contacts alone. The first pass pays for the parser's buffers, later ones use
// them again. Prints what was seen, so that no visit can be left out, and the seconds of loading and of the best pass.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <simdjson.h>

using namespace simdjson;
using seconds = std::chrono::duration<double>;

struct Seen {
    size_t contacts = 0, members = 0, text_bytes = 0, others = 0;
};

static void visit(ondemand::value value, Seen &seen) {
    switch (value.type()) {
    case ondemand::json_type::string:
        seen.text_bytes += std::string_view(value.get_string()).size();
        break;
    case ondemand::json_type::object:
        for (auto member : value.get_object()) {
            seen.members += 1;
            seen.text_bytes += std::string_view(member.unescaped_key()).size();
            visit(member.value(), seen);
        }
        break;
    case ondemand::json_type::array:
        for (auto element : value.get_array()) {
            visit(element.value(), seen);
        }
        break;
    default:
        seen.others += value.raw_json_token().size();
    }
}

int main(int argc, char **argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: simdjson_ondemand FILE PASSES\n");
        return 2;
    }
    try {
        auto began = std::chrono::steady_clock::now();
        padded_string json = padded_string::load(argv[1]);
        double load = seconds(std::chrono::steady_clock::now() - began).count();

        ondemand::parser parser;
        Seen seen;
        double best = 1e9;
        for (int pass = std::atoi(argv[2]); pass > 0; pass--) {
            seen = Seen();
            began = std::chrono::steady_clock::now();
            ondemand::document document = parser.iterate(json);
            ondemand::array contacts;
            if (document.type() == ondemand::json_type::array) {
                contacts = document.get_array();
            } else {
                contacts = document["import_data"].get_array();
            }
            for (auto contact : contacts) {
                seen.contacts += 1;
                visit(contact.value(), seen);
            }
            double taken = seconds(std::chrono::steady_clock::now() - began).count();
            best = taken < best ? taken : best;
        }
        std::printf("{\"implementation\":\"%s\",\"bytes\":%zu,\"contacts\":%zu,\"members\":%zu,\"text_bytes\":%zu,"
                    "\"other_bytes\":%zu,\"load_seconds\":%.6f,\"seconds\":%.6f}\n",
                    std::string(get_active_implementation()->name()).c_str(), json.size(), seen.contacts, seen.members,
                    seen.text_bytes, seen.others, load, best);
    } catch (const simdjson_error &error) {
        std::fprintf(stderr, "simdjson_ondemand: %s\n", error.what());
        return 1;
    }
}
