package apono

import (
	"fmt"
	"io"

	"github.com/apono-go/apono/internal/wire"
)

const redacted = wire.Redacted

// Secret is a string that is or may contain a credential. [Secret.Reveal] returns it.
// Printed, logged or marshaled, a Secret is [redacted]. It does not hold the string as it
// is, so that nothing that works by reflection can show it. Only a request contains it.
// A request with the Secret [redacted], which was unmarshaled from such an output, is not
// sent: the call returns an [*ArgumentError].
//
// Secrets of equal strings are equal, even with ==. The zero value is the empty string.
type Secret struct{ sealed }

type sealed = wire.Sealed

// NewSecret returns a Secret of the string.
func NewSecret(text string) Secret { return Secret{wire.Seal(text)} }

// Reveal returns the string. If the API sent another JSON value in its place, it returns
// the JSON of that value, or an empty string for null.
func (s Secret) Reveal() string { return wire.Open(s.sealed) }

// Equal reports whether two Secrets are equal, for packages such as go-cmp.
func (s Secret) Equal(other Secret) bool { return s == other }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// Format prints [redacted] with every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted].
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText reads the string.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// UnmarshalJSON reads the string. Another JSON value is kept and sent as it is.
func (s *Secret) UnmarshalJSON(data []byte) error {
	s.sealed = wire.SealJSON(data)
	return nil
}

// MarshalBinary returns [redacted].
func (s Secret) MarshalBinary() ([]byte, error) { return s.MarshalText() }

// UnmarshalBinary reads the string.
func (s *Secret) UnmarshalBinary(data []byte) error { return s.UnmarshalText(data) }
