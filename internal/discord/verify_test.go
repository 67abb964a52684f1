package discord_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"hearth/internal/discord"
	"hearth/internal/world"
)

const day0 = 1_800_000_000 // some second, as a Unix time

func testKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func newVerifier(t testing.TB) *discord.Verifier {
	t.Helper()
	public, ok := testKey(1).Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no public key")
	}
	v, err := discord.NewVerifier(hex.EncodeToString(public))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(seed byte, timestamp, body string) world.Signed {
	return world.Signed{
		Body: []byte(body), Timestamp: timestamp,
		Signature: hex.EncodeToString(ed25519.Sign(testKey(seed), []byte(timestamp+body))),
	}
}

func TestNewVerifierRefusesBadKeys(t *testing.T) {
	for name, key := range map[string]string{
		"empty":     "",
		"blank":     " \n",
		"not hex":   strings.Repeat("zz", 32),
		"short":     strings.Repeat("ab", 31),
		"odd":       strings.Repeat("ab", 31) + "a",
		"long":      strings.Repeat("ab", 33),
		"all zeros": strings.Repeat("00", 32),
	} {
		t.Run(name, func(t *testing.T) {
			v, err := discord.NewVerifier(key)
			if err == nil || v != nil {
				t.Fatalf("NewVerifier(%q) = %v, %v; want an error", key, v, err)
			}
			if !strings.Contains(err.Error(), "DISCORD_PUBLIC_KEY") || !strings.Contains(err.Error(), "developer portal") {
				t.Errorf("error does not say what to do: %v", err)
			}
		})
	}
	t.Run("line end is forgiven", func(t *testing.T) {
		if _, err := discord.NewVerifier(strings.Repeat("aB", 32) + "\n"); err != nil {
			t.Error(err)
		}
	})
}

func TestVerify(t *testing.T) {
	v, now := newVerifier(t), time.Unix(day0, 0)
	at := func(d time.Duration) string { return strconv.FormatInt(day0+int64(d/time.Second), 10) }
	const body = `{"type":1}`
	good := sign(1, at(0), body)
	change := func(f func(*world.Signed)) world.Signed {
		s := good
		s.Body = bytes.Clone(good.Body)
		f(&s)
		return s
	}
	const fine, refused, expired = 0, 1, 2
	for _, tt := range []struct {
		name                      string
		s                         world.Signed
		verify, signature, queued int
	}{
		{"good", good, fine, fine, fine},
		{"upper case hex", change(func(s *world.Signed) { s.Signature = strings.ToUpper(s.Signature) }), fine, fine, fine},
		{"edge of the past", sign(1, at(-5*time.Minute), body), fine, fine, fine},
		{"edge of the future", sign(1, at(5*time.Minute), body), fine, fine, fine},
		{"replayed after 6 minutes", sign(1, at(-6*time.Minute), body), expired, fine, fine},
		{"just too old", sign(1, at(-5*time.Minute-time.Second), body), expired, fine, fine},
		{"edge in the queue", sign(1, at(-15*time.Minute), body), expired, fine, fine},
		{"too old in the queue", sign(1, at(-15*time.Minute-time.Second), body), expired, fine, expired},
		{"a day old", sign(1, at(-24*time.Hour), body), expired, fine, expired},
		{"from the future", sign(1, at(5*time.Minute+time.Second), body), refused, fine, refused},
		{"another key", sign(2, at(0), body), refused, refused, refused},
		{"no body", sign(1, at(0), ""), refused, refused, refused},
		{"no signature", change(func(s *world.Signed) { s.Signature = "" }), refused, refused, refused},
		{"short signature", change(func(s *world.Signed) { s.Signature = s.Signature[2:] }), refused, refused, refused},
		{"odd signature", change(func(s *world.Signed) { s.Signature = s.Signature[1:] }), refused, refused, refused},
		{"long signature", change(func(s *world.Signed) { s.Signature += "00" }), refused, refused, refused},
		{"signature not hex", change(func(s *world.Signed) { s.Signature = strings.Repeat("xy", 64) }), refused, refused, refused},
		{"signature with a space", change(func(s *world.Signed) { s.Signature = " " + s.Signature[1:] }), refused, refused, refused},
		{"no timestamp", change(func(s *world.Signed) { s.Timestamp = "" }), refused, refused, refused},
		{"signed timestamp with a sign", sign(1, "+"+at(0), body), refused, refused, refused},
		{"signed timestamp in words", sign(1, "yesterday", body), refused, refused, refused},
		{"signed timestamp beyond time", sign(1, "9999999999999", body), refused, refused, refused},
		{"byte moved from timestamp to body", change(func(s *world.Signed) {
			s.Body = append([]byte(s.Timestamp[9:]), s.Body...)
			s.Timestamp = s.Timestamp[:9]
		}), refused, fine, expired}, // one byte stream, and a timestamp of long ago
		{"extra byte", change(func(s *world.Signed) { s.Body = append(s.Body, ' ') }), refused, refused, refused},
		{"missing byte", change(func(s *world.Signed) { s.Body = s.Body[:len(s.Body)-1] }), refused, refused, refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check := func(what string, err error, want int) {
				t.Helper()
				if got := errors.Is(err, discord.ErrUnauthorized); got != (want != fine) || (want == fine) != (err == nil) {
					t.Errorf("%s = %v", what, err)
				}
				if want == expired && !errors.Is(err, discord.ErrExpired) {
					t.Errorf("%s = %v; want ErrExpired as well", what, err)
				}
			}
			check("Verify", v.Verify(tt.s, now), tt.verify)
			check("VerifySignature", v.VerifySignature(tt.s), tt.signature)
			check("VerifyQueued", v.VerifyQueued(tt.s, now), tt.queued)
		})
	}
}

func TestVerifyRefusesEveryFlippedBit(t *testing.T) {
	v, now := newVerifier(t), time.Unix(day0, 0)
	good := sign(1, strconv.Itoa(day0), `{"type":1,"id":"1"}`)
	if err := v.Verify(good, now); err != nil {
		t.Fatal(err)
	}
	signature, err := hex.DecodeString(good.Signature)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(what string, original []byte, with func(flipped []byte) world.Signed) {
		for bit := range len(original) * 8 {
			flipped := bytes.Clone(original)
			flipped[bit/8] ^= 1 << (bit % 8)
			s := with(flipped)
			if again, err := hex.DecodeString(s.Signature); what == "signature text" && err == nil && bytes.Equal(again, signature) {
				continue // only a letter's case
			}
			if err := v.Verify(s, now); !errors.Is(err, discord.ErrUnauthorized) {
				t.Errorf("%s with bit %d flipped: %v", what, bit, err)
			}
		}
	}
	flip("signature", signature, func(b []byte) world.Signed {
		return world.Signed{Body: good.Body, Timestamp: good.Timestamp, Signature: hex.EncodeToString(b)}
	})
	flip("signature text", []byte(good.Signature), func(b []byte) world.Signed {
		return world.Signed{Body: good.Body, Timestamp: good.Timestamp, Signature: string(b)}
	})
	flip("timestamp", []byte(good.Timestamp), func(b []byte) world.Signed {
		return world.Signed{Body: good.Body, Timestamp: string(b), Signature: good.Signature}
	})
	flip("body", good.Body, func(b []byte) world.Signed {
		return world.Signed{Body: b, Timestamp: good.Timestamp, Signature: good.Signature}
	})
}

func TestReadSigned(t *testing.T) {
	request := func(body io.Reader, length int64) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/interactions", body)
		r.ContentLength = length
		r.Header.Set("X-Signature-Ed25519", "abcd")
		r.Header.Set("X-Signature-Timestamp", "12")
		return r
	}
	t.Run("reads raw", func(t *testing.T) {
		s, err := discord.ReadSigned(httptest.NewRecorder(), request(strings.NewReader("{\"a\" : 1}\n"), 10))
		if err != nil || string(s.Body) != "{\"a\" : 1}\n" || s.Signature != "abcd" || s.Timestamp != "12" {
			t.Errorf("ReadSigned = %q, %v", s, err)
		}
	})
	t.Run("largest", func(t *testing.T) {
		s, err := discord.ReadSigned(httptest.NewRecorder(), request(strings.NewReader(strings.Repeat("x", discord.MaxBodyBytes)), -1))
		if err != nil || len(s.Body) != discord.MaxBodyBytes {
			t.Errorf("ReadSigned = %d bytes, %v", len(s.Body), err)
		}
	})
	t.Run("too large, length unknown", func(t *testing.T) {
		_, err := discord.ReadSigned(httptest.NewRecorder(), request(strings.NewReader(strings.Repeat("x", discord.MaxBodyBytes+1)), -1))
		if !errors.Is(err, discord.ErrBodyTooLarge) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("too large, as announced", func(t *testing.T) {
		_, err := discord.ReadSigned(httptest.NewRecorder(), request(iotest.ErrReader(errors.New("was read")), discord.MaxBodyBytes+1))
		if !errors.Is(err, discord.ErrBodyTooLarge) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("torn", func(t *testing.T) {
		torn := errors.New("connection reset")
		_, err := discord.ReadSigned(httptest.NewRecorder(), request(iotest.ErrReader(torn), -1))
		if !errors.Is(err, torn) || errors.Is(err, discord.ErrBodyTooLarge) {
			t.Errorf("err = %v", err)
		}
	})
}
