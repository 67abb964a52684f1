package docker_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hearth/internal/clock"
	"hearth/internal/docker"
)

func options() docker.Options {
	return docker.Options{
		World: "midgard", WorldName: "Midgard", ServerName: "The Hall", Password: "yggdrasil",
		ConfigDir: "/mnt/world", InstallDir: "/var/lib/valheim", Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
}

// TestOptions: what is wrong is told, all of it at once, and never the password.
func TestOptions(t *testing.T) {
	tests := []struct {
		name   string
		change func(o *docker.Options)
		says   []string // none: it is fine
	}{
		{"as they are", func(*docker.Options) {}, nil},
		{"no password", func(o *docker.Options) { o.Password = "" }, nil},
		{"more arguments", func(o *docker.Options) { o.Args = []string{"-preset", "casual", "-backups=4"} }, nil},
		{"more environment", func(o *docker.Options) { o.Environment = map[string]string{"ADMINLIST_IDS": "1 2"} }, nil},
		{"nothing", func(o *docker.Options) { *o = docker.Options{} }, []string{
			"no world", "world name", "server name", "folder for the world", "folder for the game", "no clock", "no logger",
		}},
		{"short password", func(o *docker.Options) { o.Password = "four" }, []string{"at least 5"}},
		{"password of two lines", func(o *docker.Options) { o.Password = "yggdra\nsil" }, []string{"one line"}},
		{"password in the name", func(o *docker.Options) { o.ServerName = "yggdrasil's" }, []string{"part of the server's name"}},
		{"public without", func(o *docker.Options) { o.Password, o.Public = "", true }, []string{"no public server without"}},
		{"world's path", func(o *docker.Options) { o.WorldName = "../x" }, []string{`"../x"`}},
		{"name of two lines", func(o *docker.Options) { o.ServerName = "a\nb" }, []string{"server name"}},
		{"container's name", func(o *docker.Options) { o.Name = "-x" }, []string{`"-x"`}},
		{"image", func(o *docker.Options) { o.Image = "a b" }, []string{`"a b"`}},
		{"port", func(o *docker.Options) { o.Port = 65535 }, []string{"65535"}},
		{"seldom saved", func(o *docker.Options) { o.SaveInterval = 3 * time.Hour }, []string{"3h0m0s between saves"}},
		{"half seconds", func(o *docker.Options) { o.SaveInterval = time.Minute + time.Second/2 }, []string{"whole seconds"}},
		{"argument with a blank", func(o *docker.Options) { o.Args = []string{"-name x"} }, []string{"-name x"}},
		{"argument that expands", func(o *docker.Options) { o.Args = []string{"$HOME", "*"} }, []string{"$HOME", `"*"`}},
		{"environment of the options", func(o *docker.Options) {
			o.Environment = map[string]string{"SERVER_PASS": "yggdrasil", "A-B": "", "ZERO": "\x00"}
		}, []string{"SERVER_PASS: the options set it", "A-B", "ZERO"}},
		{"relative folders", func(o *docker.Options) { o.ConfigDir, o.InstallDir = "world", "valheim" }, []string{`"world"`, `"valheim"`}},
		{"little memory", func(o *docker.Options) { o.MemoryLimit = 1 << 20 }, []string{"1048576 bytes"}},
		{"little log", func(o *docker.Options) { o.LogSize, o.LogFiles = 10, -1 }, []string{"log of -1 files of 10 bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			tt.change(&o)
			g, err := docker.New(o)
			if err == nil {
				if err := g.Close(); err != nil {
					t.Error(err)
				}
			}
			if (err == nil) != (len(tt.says) == 0) {
				t.Fatalf("got %v", err)
			}
			text := fmt.Sprint(err)
			for _, want := range tt.says {
				if !strings.Contains(text, want) {
					t.Errorf("got %q, want %q in it", text, want)
				}
			}
			if password := o.Password.Reveal(); err != nil && password != "" && tt.name != "password in the name" && strings.Contains(text, password) {
				t.Errorf("the password is in %q", text)
			}
		})
	}
}

// TestImageIsPinned: by tag, for people, and by digest.
func TestImageIsPinned(t *testing.T) {
	name, digest, ok := strings.Cut(docker.DefaultImage, "@sha256:")
	if !ok || len(digest) != 64 || !strings.Contains(name, "valheim-server:") || strings.HasSuffix(name, ":latest") {
		t.Errorf("%s is not pinned", docker.DefaultImage)
	}
}
