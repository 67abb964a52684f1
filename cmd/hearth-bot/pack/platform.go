package main

import (
	"fmt"
	"regexp"
)

// platform is what an executable is built for, in Go's words.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "-" + p.arch }

// parsePlatform reads a name such as linux-amd64.
func parsePlatform(name string) (platform, error) {
	m := regexp.MustCompile(`^([a-z0-9]+)-([a-z0-9]+)$`).FindStringSubmatch(name)
	if m == nil {
		return platform{}, fmt.Errorf("platform %q: write it like linux-amd64, windows-amd64 or linux-arm64", name)
	}
	return platform{m[1], m[2]}, nil
}

// executable is the bot's name on the platform.
func (p platform) executable() string {
	if p.os == "windows" {
		return "hearth-bot.exe"
	}
	return "hearth-bot"
}
