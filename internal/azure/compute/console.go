package compute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v8"

	"hearth/internal/world"
)

const (
	// consoleMinutes is how long the right to read a console lasts.
	consoleMinutes = 5
	// maxConsoleBlob is how much of a console's blob is looked at.
	maxConsoleBlob = 1 << 20
)

// ReadConsole implements world.Console. Resource Manager tells where the console
// is, with a signature to read it by; it counts as a write there, being a POST. The
// blob is read without our token, which is for Resource Manager alone.
func (c *Compute) ReadConsole(ctx context.Context, machine string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, CallsWithin)
	defer cancel()
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`).MatchString(machine) {
		return nil, &world.CloudError{Class: world.ClassConfig, Code: "InvalidResourceName", Message: fmt.Sprintf("%q is no name of a machine.", machine)}
	}
	azure, err := c.azure()
	if err != nil {
		return nil, c.fault(err)
	}
	resp, err := azure.vms.RetrieveBootDiagnosticsData(ctx, c.o.ResourceGroup, machine, &armcompute.VirtualMachinesClientRetrieveBootDiagnosticsDataOptions{
		SasURIExpirationTimeInMinutes: new(int32(consoleMinutes)),
	})
	if err != nil {
		ce := c.fault(err)
		// Codes that mean something else where a machine is made.
		re, ok := errors.AsType[*azcore.ResponseError](err)
		if ok && re.StatusCode == http.StatusNotFound || ce.Class == world.ClassQuota || ce.Class == world.ClassCapacity {
			ce.Class = world.ClassConfig
		}
		return nil, ce
	}
	if resp.SerialConsoleLogBlobURI == nil {
		return nil, unexpected("no address of a console")
	}
	u, err := url.Parse(*resp.SerialConsoleLogBlobURI)
	if err != nil || !c.holdsConsoles(u) {
		return nil, unexpected("an address of a console that is not in Azure's storage")
	}
	return readConsole(ctx, azure.plain, u)
}

// holdsConsoles: u is in an account of Azure's storage, or at the same host as a
// Resource Manager that is not Azure's own.
func (c *Compute) holdsConsoles(u *url.URL) bool {
	if !strings.EqualFold(u.Scheme, "https") || u.User != nil || u.Opaque != "" {
		return false
	}
	if c.o.URL != PublicURL && strings.EqualFold(u.Host, c.host) {
		return true
	}
	host := strings.ToLower(u.Host)
	// Accounts that Azure makes for itself may be in a DNS zone ("Azure DNS zone
	// endpoints").
	return strings.HasSuffix(host, ".blob.core.windows.net") || strings.HasSuffix(host, ".blob.storage.azure.net")
}

// readConsole reads the end of a blob. The service knows no range that counts from
// the end, so the first read tells the size. A page blob is as large as it may
// become, with zeros after what is written.
func readConsole(ctx context.Context, t policy.Transporter, u *url.URL) ([]byte, error) {
	text, size, err := readBlob(ctx, t, u, 0, world.MaxConsoleBytes)
	if err != nil {
		return nil, err
	}
	written := bytes.TrimRight(text, "\x00")
	if size <= len(text) || len(written) < len(text) {
		return written, nil
	}
	from := max(len(text), size-maxConsoleBlob)
	rest, _, err := readBlob(ctx, t, u, from, size)
	if err != nil {
		return nil, err
	}
	if from == len(text) {
		rest = append(text, rest...)
	}
	rest = bytes.TrimRight(rest, "\x00")
	return rest[max(0, len(rest)-world.MaxConsoleBytes):], nil
}

// readBlob reads the bytes from from until to of a blob, and tells its size. One
// that is not there has none: it is made with the console's first line.
func readBlob(ctx context.Context, t policy.Transporter, u *url.URL, from, to int) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, unexpected("an address that is none")
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	resp, err := t.Do(req)
	if err != nil {
		return nil, 0, blobFault(u, err)
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	switch resp.StatusCode {
	case http.StatusOK, http.StatusPartialContent:
	case http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable:
		return nil, 0, nil
	default:
		class := world.ClassTransient
		if resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			class = world.ClassConfig
		}
		code := oneLine(resp.Header.Get("X-Ms-Error-Code"))
		if code == "" {
			code = strconv.Itoa(resp.StatusCode)
		}
		return nil, 0, &world.CloudError{Class: class, Code: code, Message: fmt.Sprintf("The storage of consoles at %s answers with status %d.", u.Host, resp.StatusCode)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(to-from)))
	if err != nil {
		return nil, 0, blobFault(u, err)
	}
	size := from + len(body)
	if _, total, ok := strings.Cut(resp.Header.Get("Content-Range"), "/"); ok {
		if n, err := strconv.Atoi(total); err == nil {
			size = max(size, n)
		}
	}
	return body, size, nil
}

// blobFault tells of a call without its address, which is a right to read.
func blobFault(u *url.URL, err error) *world.CloudError {
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &ne) && ne.Timeout() {
		return &world.CloudError{Class: world.ClassTransient, Code: "Timeout", Message: fmt.Sprintf("The storage of consoles at %s did not answer in time.", u.Host)}
	}
	return &world.CloudError{Class: world.ClassTransient, Code: "Unreachable", Message: fmt.Sprintf("The storage of consoles at %s can't be reached.", u.Host)}
}
