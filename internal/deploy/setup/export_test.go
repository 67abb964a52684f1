package setup

// ReadPrice is readPrice.
func ReadPrice(body []byte, regular bool) (float64, error) { return readPrice(body, regular) }
