package apono

import (
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/apono-go/apono/internal/wire"
)

const redacted = wire.Redacted

// Secrets are credentials by name. Index expressions return a credential, as in any
// map. Printed, logged or marshaled to JSON, the map contains only the names.
type Secrets map[string]string

// Reveal returns the credentials as an ordinary map, which prints and marshals them.
func (s Secrets) Reveal() map[string]string { return maps.Clone(map[string]string(s)) }

// masked returns a map of the same names, with masks for values.
func masked[V any](secrets map[string]V) map[string]string {
	if secrets == nil {
		return nil
	}
	names := make(map[string]string, len(secrets))
	for name := range secrets {
		names[name] = redacted
	}
	return names
}

// Format prints the names with every verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, masked(s)) }

// LogValue returns the names.
func (s Secrets) LogValue() slog.Value { return slog.AnyValue(masked(s)) }

// MarshalJSON writes the names. The JSON of a request contains the credentials.
func (s Secrets) MarshalJSON() ([]byte, error) { return wire.MarshalModel(masked(s)) }

func (s Secrets) revealed() any { return map[string]string(s) }

func init() {
	wire.Revealing = sync.OnceValue(func() *json.Marshalers {
		return json.MarshalToFunc(func(enc *jsontext.Encoder, v interface{ revealed() any }) error {
			return json.MarshalEncode(enc, v.revealed())
		})
	})
}

// reveal returns a value that redacts credentials as a map that contains them.
func reveal(v any) map[string]any {
	data, err := wire.Marshal(v)
	if err != nil {
		return nil
	}
	revealed, _ := wire.ReadObject(data, nil)
	return revealed
}

// checkUnmasked rejects masked credentials.
func checkUnmasked[V any](arg string, secrets map[string]V) error {
	for _, secret := range secrets {
		if any(secret) == any(redacted) {
			return &ArgumentError{
				Arg: arg, Reason: "must not contain " + redacted + ": objects that were printed or marshaled lack their credentials",
			}
		}
	}
	return nil
}

// logValue returns an object as JSON without the values in Extra.
func logValue(v any) slog.Value { return slog.AnyValue(logged{v}) }

type logged struct{ value any }

func (l logged) MarshalJSON() ([]byte, error) { return wire.MarshalRedacted(l.value, loggedStores()) }

func (l logged) String() string {
	data, err := l.MarshalJSON()
	if err != nil {
		return "[" + err.Error() + "]"
	}
	return string(data)
}

// printed returns an object as the JSON of [logValue], which has the values of
// pointers rather than their addresses.
func printed[T any](v T) string { return logged{v}.String() }
