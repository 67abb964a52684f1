mock_resource "random_string" {
  defaults = {
    result = "a1b2c3"
  }
}

mock_resource "random_password" {
  defaults = {
    result = "canary-random"
  }
}
