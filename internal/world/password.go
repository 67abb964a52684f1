package world

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// minPassword is the game's own; it quits at once otherwise.
const minPassword = 5 // characters

// CheckPassword tells what the game has against this password for a server of
// this name. It has nothing against none. The error does not show it.
func CheckPassword(password Secret, server string) error {
	switch p := password.Reveal(); {
	case p == "":
		return nil
	case !utf8.ValidString(p) || strings.ContainsAny(p, "\r\n\x00"):
		return errors.New("write it on one line, without a line break at its end")
	case utf8.RuneCountInString(p) < minPassword:
		return fmt.Errorf("the game wants at least %d characters, or none at all", minPassword)
	case strings.Contains(server, p):
		return errors.New("the game refuses one that is part of the server's name: choose another")
	}
	return nil
}
