package account

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"hearth/internal/azure/identity"
)

// Failure is a call that failed, in one line. The SDK's own errors are pages
// that repeat the request and the reply.
type Failure struct {
	act, why string
	err      error
}

// Error implements error.
func (f *Failure) Error() string { return f.act + ": " + f.why }

// Unwrap gives the SDK's error.
func (f *Failure) Unwrap() error { return f.err }

// Fail says what err, an error of one of the SDK's clients, means. act is what
// was tried, as in "send to queue events". nil stays nil.
func Fail(act string, err error) error {
	if err == nil {
		return nil
	}
	return &Failure{act: act, why: explain(err), err: err}
}

// Code is the service's code of a refusal, as in EntityAlreadyExists; empty if
// err is none.
func Code(err error) string {
	if r, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return r.ErrorCode
	}
	return ""
}

func explain(err error) string {
	if r, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return refusal(r)
	}
	if token, ok := errors.AsType[*identity.Error](err); ok {
		why := "the managed identity gets no token"
		switch {
		case token.Settled() && token.Status != 0:
			why += fmt.Sprintf(" (%d)", token.Status)
		case token.Err != nil:
			return why + ": " + oneLine(token.Err)
		case !token.Settled():
			return fmt.Sprintf("%s: its service answers %d", why, token.Status)
		}
		return why + ": check that it is assigned to this machine or app, and that its client id is right"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fmt.Sprintf("there is no %s: check the storage account's name", dns.Name)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // u repeats the request's address
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time: " + context.DeadlineExceeded.Error()
	}
	return oneLine(err)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// refusal is a reply that is an error, and what to do about it if that is known.
func refusal(r *azcore.ResponseError) string {
	text := fmt.Sprintf("%d %s", r.StatusCode, r.ErrorCode)
	if r.RawResponse != nil {
		if id := r.RawResponse.Header.Get("x-ms-request-id"); id != "" {
			text += " (request " + id + ")"
		}
	}
	hint := ""
	switch r.ErrorCode {
	case "AuthorizationPermissionMismatch", "InsufficientAccountPermissions":
		hint = "the identity lacks a role on the storage account (Storage Queue, Table or Blob Data Contributor); one that was assigned just now is felt after some minutes"
	case "AuthorizationFailure", "AuthorizationSourceIPMismatch":
		hint = "the storage account's firewall or the identity's roles forbid it: check Networking and Access control of the account"
	case "AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		hint = "the account key is wrong or was changed, or this machine's clock is off by more than 15 minutes"
	case "KeyBasedAuthenticationNotPermitted":
		hint = "the account takes no keys: use a managed identity"
	case "AccountIsDisabled":
		hint = "the storage account is disabled: check the subscription"
	}
	if hint != "" {
		text += ": " + hint
	}
	return text
}
