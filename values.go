package apono

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/apono-go/apono/internal/wire"
)

// Extra holds the members of an object that this version has no field for, by name.
// They are part of the JSON of the object. [Integration.UpdateInput] and similar methods
// copy them into the input, so that an update keeps them.
//
// Members that a program adds to an Extra are sent. A member with the name of a field of
// the object is an [*ArgumentError]. An Extra prints and logs only the names of its
// members, because their values may be credentials.
type Extra map[string]json.RawMessage

// String returns the names of the members.
func (e Extra) String() string { return fmt.Sprint(slices.Sorted(maps.Keys(e))) }

// Format prints the names of the members with every verb.
func (e Extra) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.String()) }

// LogValue returns the names of the members.
func (e Extra) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Object is a free-form JSON object. Its numbers are of type [json.Number], which keeps
// all digits. A map[string]any can be assigned to it.
type Object map[string]any

// UnmarshalJSON reads the object, with numbers as [json.Number].
func (o *Object) UnmarshalJSON(data []byte) (err error) {
	*o, err = wire.ReadObject(data, *o)
	return err
}
