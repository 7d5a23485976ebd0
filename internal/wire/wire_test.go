package wire_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/wire"
	"github.com/stretchr/testify/require"
)

// hidden is a type of secrets, which encoders redact.
type hidden struct{ sealed }

type sealed = wire.Sealed

func (hidden) MarshalText() ([]byte, error) { return []byte(wire.Redacted), nil }

func hide(text string) hidden { return hidden{wire.Seal(text)} }

type inner struct {
	Names []string          `json:"names"`
	Notes map[string]string `json:"notes,omitzero"`
}

// The API rejects null for a required array or object. An empty list must be sent as
// an empty array.
func TestMarshal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"nil", nil, `null`},
		{"nil slice", []string(nil), `[]`},
		{"nil map", map[string]int(nil), `{}`},
		{"nil slices in a slice", [][]string{nil, {"a"}}, `[[],["a"]]`},
		{"required and nil", inner{}, `{"names":[]}`},
		{"optional and empty", inner{Notes: map[string]string{}}, `{"names":[],"notes":{}}`},
		{"structs in a slice", []inner{{}, {Names: []string{"a"}}}, `[{"names":[]},{"names":["a"]}]`},
		{"pointers in a slice", []*inner{{}, nil}, `[{"names":[]},null]`},
		{"a pointer", &inner{}, `{"names":[]}`},
		{"nested", struct {
			In  inner  `json:"in"`
			Ptr *inner `json:"ptr"`
		}{Ptr: &inner{}}, `{"in":{"names":[]},"ptr":{"names":[]}}`},
		{"required nil pointer", struct {
			P *inner `json:"p"`
		}{}, `{"p":null}`},
		{"optional and absent", struct {
			B *bool            `json:"b,omitzero"`
			S []string         `json:"s,omitzero"`
			M map[string]inner `json:"m,omitzero"`
			P *inner           `json:"p,omitzero"`
			T time.Time        `json:"t,omitzero"`
		}{}, `{}`},
		{"pointers to zero values", struct {
			B *bool   `json:"b,omitzero"`
			S *string `json:"s,omitzero"`
			N *int64  `json:"n,omitzero"`
		}{new(false), new(""), new(int64(0))}, `{"b":false,"s":"","n":0}`},
		{"unexported and ignored fields", struct {
			A       int `json:"a"`
			ignored int
			Skipped int `json:"-"`
			Go      int
		}{1, 2, 3, 4}, `{"a":1,"Go":4}`},
		{"raw", struct {
			R json.RawMessage `json:"r"`
		}{json.RawMessage(`{"n":1.10,"big":12345678901234567890}`)}, `{"r":{"n":1.10,"big":12345678901234567890}}`},
		{"times", struct {
			T time.Time  `json:"t"`
			P *time.Time `json:"p,omitzero"`
		}{
			time.Date(2026, 3, 5, 7, 8, 9, 5000000, time.UTC),
			new(time.Date(2026, 3, 5, 7, 8, 9, 0, time.FixedZone("", 7200))),
		}, `{"t":"2026-03-05T07:08:09.005Z","p":"2026-03-05T07:08:09+02:00"}`},
		{"HTML characters", struct {
			S string            `json:"s"`
			M map[string]string `json:"m"`
			L []any             `json:"l"`
		}{"<a>&", map[string]string{"<k>": "&"}, []any{"<&>"}}, `{"s":"<a>&","m":{"<k>":"&"},"l":["<&>"]}`},
		{"quotes", map[string]string{`"`: `a"b`}, `{"\"":"a\"b"}`},
		{"backslashes", map[string]string{`\`: `a\b`}, `{"\\":"a\\b"}`},
		{"control characters", map[string]string{"\n": "a\x00\x1fb\x7f"}, `{"\n":"a\u0000\u001fb` + "\x7f" + `"}`},
		{"text beyond ASCII", []string{"é😀", "\u2028"}, `["é😀","\u2028"]`},
		{"scalars", []any{true, false, -7, uint8(7), 1.5, 1e21, json.Number("1e400")}, `[true,false,-7,7,1.5,1e+21,1e400]`},
		{"bytes", []byte("abc"), `"YWJj"`},
		{"keys that are numbers", map[int]string{1: "a"}, `{"1":"a"}`},
		{"secrets", struct {
			H hidden            `json:"h"`
			Z hidden            `json:"z"`
			N *hidden           `json:"n"`
			O *hidden           `json:"o,omitzero"`
			P *hidden           `json:"p"`
			L []hidden          `json:"l"`
			M map[string]hidden `json:"m"`
			J []hidden          `json:"j"`
		}{
			H: hide("<v>"), P: new(hide("p")), L: []hidden{hide("\"")}, M: map[string]hidden{"k": hide("m")},
			J: []hidden{{wire.SealJSON([]byte(`null`))}, {wire.SealJSON([]byte(`{"n":1.10}`))}, {wire.SealJSON([]byte(`"\u0061"`))}},
		}, `{"h":"<v>","z":"","n":null,"p":"p","l":["\""],"m":{"k":"m"},"j":[null,{"n":1.10},"a"]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Marshal(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

// Invalid UTF-8 would make the whole body unreadable for the server.
func TestMarshalReplacesInvalidUTF8(t *testing.T) {
	t.Parallel()
	got, err := wire.Marshal(map[string]string{"a\xff": "\xc3b"})
	require.NoError(t, err)
	apitest.JSONEq(t, `{"a\ufffd":"\ufffdb"}`, string(got))
	require.Truef(t, utf8.Valid(got), "invalid UTF-8: %q", got)
}

// Values in maps and interfaces are encoded as those in fields: nil slices as empty
// arrays, and secrets not redacted.
func TestMarshalOfMapsAndInterfaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"slices in a map", map[string][]string{"a": nil}, `{"a":[]}`},
		{"structs in a map", map[string]inner{"a": {}}, `{"a":{"names":[]}}`},
		{"structs in an interface", []any{inner{}, &inner{}}, `[{"names":[]},{"names":[]}]`},
		{"secrets in interfaces", map[string]any{"a": []any{hide("v"), new(hide("p")), (*hidden)(nil)}}, `{"a":["v","p",null]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Marshal(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

// reading has a MarshalJSON method with a pointer receiver.
type reading struct{ celsius int }

func (r *reading) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "\"%d C\"", r.celsius), nil }

// Callers pass their own types to Client.Do and in free-form members. They are
// encoded as encoding/json does, so that no member is missing or has another name.
func TestMarshalOfTypesOfCallers(t *testing.T) {
	t.Parallel()
	type Base struct {
		ID string `json:"id"`
	}
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"a marshaler with a pointer receiver in a map", map[string]any{"r": &reading{21}}, `{"r":"21 C"}`},
		{"a marshaler with a pointer receiver in a struct", struct {
			R *reading `json:"r"`
		}{&reading{21}}, `{"r":"21 C"}`},
		{"a large integer", map[string]any{"n": big.NewInt(math.MaxInt64)}, `{"n":9223372036854775807}`},
		{"an embedded struct", struct {
			Base
			Name string `json:"name"`
		}{Base{"i1"}, "n"}, `{"id":"i1","name":"n"}`},
		{"omitempty", struct {
			S []string       `json:"s,omitempty"`
			M map[string]int `json:"m,omitempty"`
			N int            `json:"n,omitempty"`
		}{S: []string{}, M: map[string]int{}}, `{}`},
		{"a number as a string", struct {
			N int `json:"n,string"`
		}{7}, `{"n":"7"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Marshal(c.in)
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestMarshalErrorNamesField(t *testing.T) {
	t.Parallel()
	type leaf struct {
		F float64 `json:"f"`
		C any     `json:"c"`
	}
	type tree struct {
		Leaves []leaf `json:"leaves"`
	}
	for want, in := range map[string]any{
		"leaves[1].f: unsupported value: NaN":    tree{[]leaf{{}, {F: math.NaN()}}},
		"leaves[0].c: unsupported type chan int": tree{[]leaf{{C: make(chan int)}}},
	} {
		_, err := wire.Marshal(in)
		require.EqualError(t, err, want)
	}
}

// A value that contains itself must not crash the program.
func TestMarshalOfCycleIsError(t *testing.T) {
	t.Parallel()
	self := map[string]any{}
	self["self"] = self
	_, err := wire.Marshal(self)
	require.Error(t, err)
	require.Truef(t, strings.HasSuffix(err.Error(), "encountered a cycle"), "wrong error: %v", err)
}

type place struct {
	City string `json:"city"`
}

type person struct {
	Name  string         `json:"name"`
	Home  *place         `json:"home"`
	Stops []place        `json:"stops"`
	Free  map[string]any `json:"free"`
}
