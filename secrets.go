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

// Secrets are credentials by name. A value is read with an index, as from any
// map; printed, logged or marshaled to JSON the map shows the names only. Reveal
// returns a map that does not hide anything.
type Secrets map[string]string

// Reveal returns the credentials in a map that prints and marshals as it is.
func (s Secrets) Reveal() map[string]string { return maps.Clone(map[string]string(s)) }

// masked has the names of credentials and none of them.
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

// Format prints the names, with every verb.
func (s Secrets) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, masked(s)) }

// LogValue gives the names.
func (s Secrets) LogValue() slog.Value { return slog.AnyValue(masked(s)) }

// MarshalJSON writes the names. Requests carry the values all the same.
func (s Secrets) MarshalJSON() ([]byte, error) { return wire.MarshalModel(masked(s)) }

func (s Secrets) revealed() any { return map[string]string(s) }

func init() {
	wire.Revealing = sync.OnceValue(func() *json.Marshalers {
		return json.MarshalToFunc(func(enc *jsontext.Encoder, v interface{ revealed() any }) error {
			return json.MarshalEncode(enc, v.revealed())
		})
	})
}

// reveal returns a value that redacts itself in a map that does not.
func reveal(v any) map[string]any {
	data, err := wire.Marshal(v)
	if err != nil {
		return nil
	}
	revealed, _ := wire.ReadObject(data, nil)
	return revealed
}

// checkUnmasked rejects the mask of credentials as credentials.
func checkUnmasked[V any](arg string, secrets map[string]V) error {
	for _, secret := range secrets {
		if any(secret) == any(redacted) {
			return &ArgumentError{
				Arg: arg, Reason: "it holds " + redacted + ": it comes from a printed or marshaled object, which has no credentials",
			}
		}
	}
	return nil
}

// logValue returns an object as JSON without the values of what this version
// has no field for.
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

// printed returns an object as text: its values rather than the addresses of
// those behind pointers, and as little of credentials and of what this version
// has no field for as [logValue] gives.
func printed[T any](v T) string { return logged{v}.String() }
