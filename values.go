package apono

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/apono-go/apono/internal/wire"
)

// Extra holds the members of an object that this version has no field for, by
// name. They are part of the object's JSON: what a newer API sends travels with
// its value, into backups and into the inputs that [Integration.UpdateInput] and
// the like return, and is written back.
//
// What a program puts into an Extra is sent too. A name that the object has a
// field for is an [*ArgumentError]. Printed or logged, Extra shows the names of
// its members only, because a newer API may put a credential there.
type Extra map[string]json.RawMessage

// String returns the names of the members.
func (e Extra) String() string { return fmt.Sprint(slices.Sorted(maps.Keys(e))) }

// Format prints the names of the members, with every verb.
func (e Extra) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.String()) }

// LogValue returns the names of the members.
func (e Extra) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Object is a free-form JSON object. Its numbers are read as [json.Number] and
// written as they were read, digit by digit. A map[string]any can be assigned
// to it.
type Object map[string]any

// UnmarshalJSON reads an object.
func (o *Object) UnmarshalJSON(data []byte) (err error) {
	*o, err = wire.ReadObject(data, *o)
	return err
}

// MarshalJSON writes the object.
func (o Object) MarshalJSON() ([]byte, error) { return wire.MarshalModel(map[string]any(o)) }

func (o Object) revealed() any { return map[string]any(o) }

// Ptr returns a pointer to a value, for optional fields.
func Ptr[T any](v T) *T { return &v }
