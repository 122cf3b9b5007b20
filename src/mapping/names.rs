//! Names, folded and taken apart.
