package form

import "strings"

// Application is what a bot changes of its own application.
type Application struct {
	HasEndpoint bool   // EndpointURL was named
	EndpointURL string // of interactions; empty: none any more
}

// ReadApplication reads the body of PATCH /applications/@me. Of what it may name
// the address for interactions is played.
func ReadApplication(body []byte) (Application, error) {
	v, err := decode(body)
	if err != nil {
		return Application{}, err
	}
	const key = "interactions_endpoint_url"
	var p Problems
	o := newObject(v, nil, &p)
	a := Application{HasEndpoint: o.named(key), EndpointURL: o.link(key)}
	plain, isPlain := strings.CutPrefix(a.EndpointURL, "http://")
	if isPlain && !strings.HasPrefix(plain, "127.0.0.1:") && !strings.HasPrefix(plain, "localhost:") {
		o.bad(key, "URL_TYPE_INVALID_SCHEME", `Scheme "http" is not supported. Scheme must be one of ('https').`)
	}
	o.notPlayed("custom_install_url", "description", "role_connections_verification_url", "install_params", "integration_types_config", "flags",
		"icon", "cover_image", "tags", "event_webhooks_url", "event_webhooks_status", "event_webhooks_types", "team_id", "type",
		"explicit_content_filter", "max_participants")
	o.close()
	return a, p.Err()
}
