"""The interface's own description: what the caller may do, no more."""


def test_the_reference_shows_only_what_the_reader_may_do(login, program):
    page = login("li").get("/help/interface?entity=customer").text
    assert "/api/v1/customer/{id}/transfer" in page and "客户名称" in page and "重点客户" in page
    assert "/help/interface?entity=user" not in page and "/help/interface?entity=user" in login("admin").get("/help/interface").text
    assert "访问令牌" in login("li").get("/help/20-interface").text
    mine, all_ = program("li").get("_openapi"), program("admin").get("_openapi")
    assert "/api/v1/user/" in all_["paths"] and "/api/v1/user/" not in mine["paths"]
    assert "post" not in mine["paths"]["/api/v1/product/"] and "post" in all_["paths"]["/api/v1/product/"]
    assert mine["components"]["schemas"]["CustomerAdd"]["properties"]["name"]["type"] == ["string", "null"]
