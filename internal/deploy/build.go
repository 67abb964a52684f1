package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearth/internal/deploy/program"
)

const buildWithin = 15 * time.Minute // a first build on a slow machine

// buildAgent builds the agent as make agent does.
func (d *Deployment) buildAgent(ctx context.Context) (string, error) {
	_, err := d.Run.Run(ctx, program.Command{
		Name: "go", Args: []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.FromSlash(agentFile), "./cmd/hearth-agent"},
		Dir: d.Root, Env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64"}, Within: buildWithin,
	})
	if err != nil {
		return "", d.explain(err)
	}
	info, err := os.Stat(d.path(agentFile))
	if err != nil {
		return "", problem("%s was built and is not there: check that this folder can be written to.", agentFile)
	}
	return fmt.Sprintf("%s, %.1f MB", agentFile, float64(info.Size())/1e6), nil
}

// buildPackage builds the function app's package.
func (d *Deployment) buildPackage(ctx context.Context) (string, error) {
	d.findVersion(ctx)
	_, err := d.Run.Run(ctx, program.Command{
		Name: "go", Args: []string{"run", "./cmd/hearth-bot/pack", "-platforms", d.platform, "-version", d.version}, Dir: d.Root, Within: buildWithin,
	})
	if err != nil {
		return "", d.explain(err)
	}
	return fmt.Sprintf("%s, version %s", d.packageName(), d.version), nil
}

func (d *Deployment) packageName() string {
	return packageFolder + "/hearth-bot-" + d.platform + ".zip"
}

// findVersion names what is built by its commit. Where that says too little, because
// files were changed or there is no git, the time is part of it, so that no two
// packages have one name.
func (d *Deployment) findVersion(ctx context.Context) {
	out, err := d.Run.Run(ctx, program.Command{Name: "git", Args: []string{"describe", "--always", "--dirty", "--abbrev=12", "--match=v*"}, Dir: d.Root})
	version := strings.TrimSpace(out.Stdout)
	if err != nil || version == "" {
		version = "copy"
	}
	if d.exact = err == nil && !strings.HasSuffix(version, "-dirty"); !d.exact {
		version += "-" + d.Clock.Now().UTC().Format("20060102T150405")
	}
	d.version = version
}
