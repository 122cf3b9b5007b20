#!/usr/bin/env python3
"""Writes the XLS files in this directory (pip install xlwt)."""

import datetime
import os

import xlwt

os.chdir(os.path.dirname(os.path.abspath(__file__)))
book = xlwt.Workbook()
sheet = book.add_sheet("Contacts")
sheet.write_merge(0, 0, 0, 3, "Our contacts")
for i, name in enumerate(["Email", "First Name", "Mobile Phone", "Anniversary", "Score", "Last Name"]):
    sheet.write(2, i, name)
day = xlwt.easyxf(num_format_str="M/D/YY")
time = xlwt.easyxf(num_format_str="M/D/YY h:mm")
sheet.write(3, 0, "ann@example.com"); sheet.write(3, 1, "Ann"); sheet.write(3, 2, 6175550101); sheet.write(3, 3, datetime.date(2001, 5, 6), day); sheet.write(3, 4, 1.5)
sheet.row(3).set_cell_error(5, 0x2A)  # #N/A
sheet.write(5, 0, "bob@example"); sheet.write(5, 1, "Bob\nBert")
sheet.write(6, 0, "cid@example.com"); sheet.write(6, 3, datetime.datetime(2001, 5, 6, 12, 30), time); sheet.write(6, 4, True)
book.add_sheet("Notes").write(0, 0, "nothing")
book.save("contacts.xls")

book = xlwt.Workbook()
sheet = book.add_sheet("Sheet1")
for i, name in enumerate(["email", "first_name"]):
    sheet.write(0, i, name)
sheet.write(1, 0, "a@example.com"); sheet.row(1).set_cell_error(1, 0x2A)
sheet.write(2, 0, "b@example.com"); sheet.write(2, 1, "Bob")
book.save("errors.xls")
