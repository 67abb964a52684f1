package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"hearth/internal/sim/simdiscord"
)

// Deliver delivers interactions to an address. The client's own deadline
// should be longer than AnswerWithin.
func Deliver(client *http.Client, address string) simdiscord.Deliver {
	return func(ctx context.Context, header http.Header, body []byte) (int, string, []byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return 0, "", nil, fmt.Errorf("deliver interaction: %w", err)
		}
		req.Header = header.Clone()
		res, err := client.Do(req)
		if err != nil {
			return 0, "", nil, fmt.Errorf("deliver interaction: %w", err)
		}
		answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
		_ = res.Body.Close() // all of it was read
		if err != nil {
			return 0, "", nil, fmt.Errorf("read answer to interaction: %w", err)
		}
		return res.StatusCode, res.Header.Get("Content-Type"), answer, nil
	}
}
