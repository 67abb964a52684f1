package main

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"hearth/internal/azure/identity"
)

func TestNoToken(t *testing.T) {
	refused := &azidentity.AuthenticationFailedError{RawResponse: &http.Response{StatusCode: http.StatusBadRequest}}
	e, ok := errors.AsType[*identity.Error](noToken(fmt.Errorf("x: %w", refused)))
	if !ok || e.Status != http.StatusBadRequest || !e.Settled() {
		t.Errorf("refused: %+v, want status 400, settled", e)
	}
	e, ok = errors.AsType[*identity.Error](noToken(http.ErrHandlerTimeout))
	if !ok || e.Settled() || !errors.Is(e, http.ErrHandlerTimeout) {
		t.Errorf("no answer: %+v, want the cause, not settled", e)
	}
}
