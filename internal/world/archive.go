package world

import "fmt"

// MaxKeptName is how long the name may be under which an Archive keeps a body.
const MaxKeptName = 200

// CheckKept says whether an Archive takes a body under a name: the name has 1 to
// MaxKeptName printable ASCII characters, and the body at most MaxMessageBytes
// (else ErrTooLarge).
func CheckKept(name string, body []byte) error {
	if len(name) < 1 || len(name) > MaxKeptName {
		return fmt.Errorf("name has %d characters: choose 1 to %d", len(name), MaxKeptName)
	}
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return fmt.Errorf("name %q: choose printable ASCII characters", name)
		}
	}
	if len(body) > MaxMessageBytes {
		return fmt.Errorf("%w: %d bytes of at most %d", ErrTooLarge, len(body), MaxMessageBytes)
	}
	return nil
}
