"""The vendor's documented example answer, read field by field (vendor page ``query-all-the-customers``)."""

from __future__ import annotations

import json

from tap_ycm.http.answers import parse_page

# As documented, shortened there to these two customers of three.
EXAMPLE = """
{
  "data": {
    "pageSize": 3, "pageNumber": 1, "total": 364,
    "list": [
      {"customerId": 50086120, "firstName": "Leo", "lastName": "Ball", "company": "Example company",
       "email": "leo@example.com", "businessNumber": "136160XXXXX", "zipCode": "361000",
       "city": "Xiamen", "state": "Fujian", "country": "China"},
      {"customerId": 50086121, "firstName": "Naomi", "lastName": "Nicholas", "company": "Example company",
       "email": "naomi@example.com", "mobileNumber": "139111XXXXX"}
    ]
  },
  "requestId": "bff89f41bb695e5abb84c45972d24716", "status": "Success", "time": 1664248965
}
"""


def test_the_documented_example_is_read_field_by_field() -> None:
    page = parse_page(EXAMPLE.encode(), 200, "GET /dm/open_api/v1/customers", "customerId")
    assert (page.number, page.size, page.total) == (1, 3, 364)
    assert page.request_id == "bff89f41bb695e5abb84c45972d24716"
    assert page.ids == [50086120, 50086121]
    assert page.rows == json.loads(EXAMPLE)["data"]["list"]
    assert page.rows[0] == {
        "customerId": 50086120,
        "firstName": "Leo",
        "lastName": "Ball",
        "company": "Example company",
        "email": "leo@example.com",
        "businessNumber": "136160XXXXX",
        "zipCode": "361000",
        "city": "Xiamen",
        "state": "Fujian",
        "country": "China",
    }
