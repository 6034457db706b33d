package reconcile

import (
	"errors"
	"fmt"
	"log/slog"
)

// Secret is a value that can be used but not shown: a printable origin ("env NEO4J_PASSWORD", "file secrets/etl.env.pending") and a door to the value.
// The value itself is not in the struct, only a function that fetches it: fmt reaches unexported fields by reflection and would print it.
//
// Formatting, JSON, text and slog all give "(secret from ORIGIN)". The zero Secret is unset: it says so and opens to an error.
type Secret struct {
	origin string
	open   func() (string, error)
}

// NewSecret makes a secret of where it comes from and how to fetch it. open is called each time the value is needed; it must be safe for concurrent use.
func NewSecret(origin string, open func() (string, error)) Secret {
	return Secret{origin: origin, open: open}
}

// Open gives the value. Only a system's client.go may call it; a test looks for other callers.
func (s Secret) Open() (string, error) {
	if s.open == nil {
		return "", errors.New("secret is not set")
	}
	return s.open()
}

// Origin says where the value comes from, "" for the zero Secret.
func (s Secret) Origin() string { return s.origin }

// IsZero says whether the secret was never set.
func (s Secret) IsZero() bool { return s.open == nil }

func (Secret) value() {}

// String gives the origin, never the value.
func (s Secret) String() string {
	if s.open == nil {
		return "(secret, not set)"
	}
	return "(secret from " + s.origin + ")"
}

// Format gives String for every verb, %#v among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// GoString gives String.
func (s Secret) GoString() string { return s.String() }

// MarshalText gives String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue gives String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
