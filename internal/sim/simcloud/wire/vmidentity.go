package wire

import (
	"net/http"
	"strconv"
	"strings"
)

// machineIdentity gives out the tokens of the machine's identity, as "How to use
// managed identities on an Azure VM to acquire an access token" describes it.
// Everything in its answer is a text. An identity that the machine does not have
// is refused with 400, as one is that it has not got yet.
func (h *Handler) machineIdentity(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, kind, why string) {
		write(w, code, map[string]string{"error": kind, "error_description": why})
	}
	q := r.URL.Query()
	client, resource := q.Get("client_id"), q.Get("resource")
	known := false
	for _, id := range h.o.Identities {
		known = known || strings.EqualFold(id, client) || client == "" && len(h.o.Identities) == 1
	}
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		refuse(http.StatusMethodNotAllowed, "invalid_request", "Method not allowed")
	case q.Get("api-version") != "2018-02-01":
		refuse(http.StatusBadRequest, "bad_request_102", "Required or supported api-version not specified")
	case resource == "":
		refuse(http.StatusBadRequest, "invalid_request", "Required audience parameter not specified")
	case client == "" && len(h.o.Identities) > 1:
		refuse(http.StatusBadRequest, "invalid_request", "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request")
	case !known || h.o.Tenant == nil:
		refuse(http.StatusBadRequest, "invalid_request", "Identity not found")
	default:
		if client == "" {
			client = h.o.Identities[0]
		}
		token, c, err := h.o.Tenant.token(client, resource)
		if err != nil {
			refuse(http.StatusInternalServerError, "unknown", "Failed to retrieve token from the Active directory")
			return
		}
		left := strconv.Itoa(int(h.o.Tenant.life.Seconds()))
		answer(w, map[string]string{
			"access_token": token, "client_id": client, "expires_in": left, "ext_expires_in": left,
			"expires_on": strconv.FormatInt(c.Expires, 10), "not_before": strconv.FormatInt(c.NotBefore, 10),
			"resource": resource, "token_type": "Bearer",
		})
	}
}
