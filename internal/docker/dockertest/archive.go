package dockertest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
)

// pack makes an image of one program, /pid1, with symbolic links, in the form
// that `docker save` writes ("Docker Image Specification v1.2"). Its tag is the
// program's checksum.
func pack(name string, program []byte, links map[string]string) (ref string, archive []byte, err error) {
	ref = fmt.Sprintf("%s:%x", name, sha256.Sum256(program))[:len(name)+1+12]
	layer, err := layer(program, links)
	if err != nil {
		return "", nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/pid1"}, "Env": []string{"PATH=/usr/local/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return "", nil, err
	}
	configName := fmt.Sprintf("%x.json", sha256.Sum256(config))
	manifest, err := json.Marshal([]map[string]any{{"Config": configName, "RepoTags": []string{ref}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name string
		body []byte
	}{{configName, config}, {"layer.tar", layer}, {"manifest.json", manifest}} {
		if err := writeFile(w, f.name, 0o644, f.body); err != nil {
			return "", nil, err
		}
	}
	err = w.Close()
	return ref, b.Bytes(), err
}

// layer is the image's files.
func layer(program []byte, links map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, dir := range []string{"config", "dev", "etc", "opt/valheim", "proc", "run", "sys", "tmp", "usr/local/bin"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	if err := writeFile(w, "pid1", 0o755, program); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: links[name], Mode: 0o777}); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

func writeFile(w *tar.Writer, name string, mode int64, body []byte) error {
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(body))}); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}
