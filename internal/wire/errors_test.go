package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/internal/wire"
	"github.com/stretchr/testify/require"
)

// seconds has an UnmarshalJSON method that rejects values other than numbers.
type seconds struct{ n string }

var errSeconds = errors.New("not a number of seconds")

func (s *seconds) UnmarshalJSON(data []byte) error {
	if strings.Trim(string(data), "0123456789") != "" {
		return errSeconds
	}
	s.n = string(data)
	return nil
}

func (s seconds) MarshalJSON() ([]byte, error) { return []byte(s.n), nil }

// level has an UnmarshalText method.
type level struct{ text string }

func (l *level) UnmarshalText(text []byte) error {
	l.text = string(text)
	return nil
}

func (l level) MarshalText() ([]byte, error) { return []byte(l.text), nil }

// code is a string type with an UnmarshalText method.
type code string

func (c *code) UnmarshalText(text []byte) error {
	*c = code("#" + string(text))
	return nil
}

func (c code) MarshalText() ([]byte, error) { return []byte(strings.TrimPrefix(string(c), "#")), nil }

// wrapped has an UnmarshalJSON method that decodes another type, as models do.
type wrapped struct {
	City string `json:"city"`
}

func (w *wrapped) UnmarshalJSON(data []byte) error {
	var plain place
	err := wire.Unmarshal(data, &plain)
	w.City = plain.City
	return err
}

type status string

// record has fields of all kinds that models use.
type record struct {
	Name    string            `json:"name"`
	Kind    status            `json:"kind"`
	Count   int64             `json:"count"`
	Small   int8              `json:"small"`
	Share   float64           `json:"share"`
	On      bool              `json:"on"`
	Note    *string           `json:"note,omitzero"`
	At      time.Time         `json:"at"`
	Until   *time.Time        `json:"until,omitzero"`
	Home    place             `json:"home"`
	Work    *place            `json:"work,omitzero"`
	Tags    []string          `json:"tags"`
	Stops   []place           `json:"stops"`
	Refs    []*place          `json:"refs"`
	Labels  map[string]string `json:"labels"`
	Sites   map[string]place  `json:"sites"`
	Kinds   map[status][]int  `json:"kinds"`
	Free    map[string]any    `json:"free"`
	Any     any               `json:"any"`
	Raw     json.RawMessage   `json:"raw"`
	Number  json.Number       `json:"number"`
	Bytes   []byte            `json:"bytes"`
	Pair    [2]int            `json:"pair"`
	Age     *seconds          `json:"age"`
	Level   level             `json:"level"`
	Levels  map[level]int     `json:"levels"`
	Wrapped *wrapped          `json:"wrapped"`
	Code    code              `json:"code"`
	Kid     *record           `json:"kid,omitzero"`
	Hidden  string            `json:"-"`
	private string
}

// decodes checks the result of UnmarshalGeneric.
func decodes[T any](t *testing.T, data string, want T, wantErr string) {
	t.Helper()
	var got T
	err := wire.UnmarshalGeneric([]byte(data), &got)
	if wantErr != "" {
		require.EqualError(t, err, wantErr)
		return
	}
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// A body that is empty, null or followed by other data is an error. Decoded into an
// empty object it would look like success.
func TestUnmarshal(t *testing.T) {
	t.Parallel()
	ada := person{Name: "Ada", Home: &place{City: "London"}}
	for _, c := range []struct {
		name, data string
		want       person
		err        string
	}{
		{name: "known members", data: `{"name":"Ada","home":{"city":"London"}}`, want: ada},
		{name: "leading and trailing white space", data: " \r\n\t{\"name\":\"Ada\",\"home\":{\"city\":\"London\"}}\n ", want: ada},
		{name: "an empty object", data: `{}`},
		{name: "a value in a free-form member", data: `{"free":{"x":1.10}}`, want: person{Free: map[string]any{"x": json.Number("1.10")}}},
		{name: "an unknown member", data: `{"x":{"y":[1]},"name":"Ada","home":{"city":"London"}}`, want: ada},
		{name: "a nested unknown member", data: `{"home":{"x":null,"city":"London"},"name":"Ada"}`, want: ada},
		{name: "an unknown member in an array", data: `{"stops":[{"city":"Rome"},{"x":1}]}`, want: person{Stops: []place{{"Rome"}, {}}}},
		{name: "empty", data: "", err: "the body is empty"},
		{name: "white space", data: " \n\t ", err: "the body is empty"},
		{name: "null", data: "null", err: "the body is null"},
		{name: "null with white space", data: "\n null ", err: "the body is null"},
		{name: "a second value", data: `{"name":"Ada"} {}`, err: "invalid character '{' after top-level value"},
		{name: "trailing bytes", data: `{"name":"Ada"}]`, err: "invalid character ']' after top-level value"},
		{name: "trailing bytes after a name in another case", data: `{"HOME":{}},"x":{}`, err: "invalid character ',' after top-level value"},
		{name: "trailing bytes after an unknown member", data: `{"x":1}<html>`, err: "invalid character '<' after top-level value"},
		{name: "HTML", data: `<html>`, err: "invalid character '<' at start of value"},
		{name: "cut short", data: `{"name":"Ada","home":{`, err: "unexpected EOF"},
		{name: "another type", data: `["Ada"]`, err: "cannot unmarshal array into Go struct"},
		{name: "a member of another type", data: `{"name":["Ada"]}`, err: "name: cannot unmarshal array into Go string"},
		{name: "an unknown member and one of another type", data: `{"x":1,"name":7}`, err: "name: cannot unmarshal number into Go string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			decodes(t, c.data, c.want, c.err)
		})
	}
}

func TestUnmarshalErrorsCanBeCompared(t *testing.T) {
	t.Parallel()
	var v person
	require.ErrorIs(t, wire.Unmarshal(nil, &v), wire.ErrEmpty)
	require.ErrorIs(t, wire.Unmarshal([]byte("null"), &v), wire.ErrNull)
}

// A body must be decoded in the same way by every supported release of Go, with
// either implementation of encoding/json. CI runs this test with each of them.
func TestUnmarshalIsTheSameWithAllVersionsOfGo(t *testing.T) {
	t.Parallel()
	const long = "a text of more than thirty-two characters"
	for _, c := range []struct {
		name, data string
		want       record
		err        string
	}{
		// Names.
		{name: "another case", data: `{"NAME":"a","Name":"b","nAme":"c"}`},
		{name: "another case beside the name", data: `{"name":"a","NAME":"b"}`, want: record{Name: "a"}},
		{name: "another case of another type", data: `{"Count":"x","TAGS":{}}`},
		{name: "letters that fold to ASCII", data: `{"\u212aind":"a","tagſ":["a"],"ſtops":[{}]}`},
		{name: "another case in nested objects", data: `{"home":{"City":"a"},"stops":[{"CITY":"b"}],"sites":{"A":{"cITY":"c"}}}`,
			want: record{Stops: []place{{}}, Sites: map[string]place{"A": {}}}},
		{name: "case in free-form keys", data: `{"free":{"A":1,"a":2},"labels":{"Env":"x","ENV":"y"},"any":{"NAME":"a"}}`,
			want: record{
				Free:   map[string]any{"A": json.Number("1"), "a": json.Number("2")},
				Labels: map[string]string{"Env": "x", "ENV": "y"}, Any: map[string]any{"NAME": "a"},
			}},
		{name: "escapes in a name", data: `{"na\u006de":"a","\u0063ount":1}`, want: record{Name: "a", Count: 1}},
		{name: "unexported and ignored fields", data: `{"Hidden":"a","-":"b","private":"c"}`},
		{name: "an empty name", data: `{"":1}`},
		{name: "keys of free-form values", data: `{"free":{"x":1},"labels":{"y":"z"},"any":[{"w":1}],"raw":{"v":1}}`,
			want: record{
				Free: map[string]any{"x": json.Number("1")}, Labels: map[string]string{"y": "z"},
				Any: []any{map[string]any{"w": json.Number("1")}}, Raw: json.RawMessage(`{"v":1}`),
			}},
		{name: "an unknown member in a map of objects", data: `{"sites":{"a":{"x":1}}}`, want: record{Sites: map[string]place{"a": {}}}},
		{name: "an unknown member behind pointers", data: `{"refs":[{"x":1}],"kid":{"work":{"x":1}}}`,
			want: record{Refs: []*place{{}}, Kid: &record{Work: &place{}}}},
		{name: "unknown members of all types", data: `{"a":{"b":[{"c":"}]\"\\"}]},"d":[[],{}],"e":-1.5e+3,"f":"","g":true,"h":false,"i":null,"name":"n"}`,
			want: record{Name: "n"}},

		// Duplicates.
		{name: "a duplicate name", data: `{"name":"a","name":"b"}`, want: record{Name: "b"}},
		{name: "a duplicate name with an escape", data: `{"name":"a","nam\u0065":"b"}`, want: record{Name: "b"}},
		{name: "a duplicate object", data: `{"kid":{"name":"a","count":1},"kid":{"name":"b"}}`, want: record{Kid: &record{Name: "b", Count: 1}}},
		{name: "a duplicate object without a pointer", data: `{"home":{"city":"a"},"home":{}}`, want: record{Home: place{"a"}}},
		{name: "a duplicate map", data: `{"labels":{"a":"1"},"labels":{"b":"2"}}`, want: record{Labels: map[string]string{"a": "1", "b": "2"}}},
		{name: "a duplicate key of a map", data: `{"kinds":{"a":[1,2],"a":[3]}}`, want: record{Kinds: map[status][]int{"a": {3}}}},
		{name: "a duplicate object in a map", data: `{"sites":{"a":{"city":"x"},"a":{}}}`, want: record{Sites: map[string]place{"a": {}}}},
		{name: "a duplicate free-form object", data: `{"free":{"a":{"x":1},"a":{"y":2}}}`, want: record{Free: map[string]any{"a": map[string]any{"y": json.Number("2")}}}},
		{name: "a duplicate array", data: `{"stops":[{"city":"a"},{"city":"b"}],"stops":[{}]}`, want: record{Stops: []place{{"a"}}}},
		{name: "null after a value", data: `{"name":"a","name":null,"work":{},"work":null,"home":{"city":"a"},"home":null,"at":"2026-03-05T07:08:09Z","at":null}`,
			want: record{Name: "a", Home: place{"a"}, At: time.Date(2026, time.March, 5, 7, 8, 9, 0, time.UTC)}},
		{name: "another type before a value", data: `{"name":1,"name":"a"}`, err: "name: cannot unmarshal number into Go string"},

		// Strings.
		{name: "escapes", data: `{"name":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00<>&"}`, want: record{Name: "\"\\/\b\f\n\r\té😀<>&"}},
		{name: "text beyond ASCII", data: `{"name":"é😀","free":{"é":"😀"}}`, want: record{Name: "é😀", Free: map[string]any{"é": "😀"}}},
		{name: "invalid UTF-8", data: "{\"name\":\"a\xffb\xc3\",\"free\":{\"\xff\":\"\xff\"}}",
			want: record{Name: "a\ufffdb\ufffd", Free: map[string]any{"\ufffd": "\ufffd"}}},
		{name: "invalid UTF-8 in a name", data: "{\"name\xff\":\"a\"}"},
		{
			name: "equal strings", data: `{"any":["` + long + `","` + long + `","a","a"],"free":{"` + long + `":"a"}}`,
			want: record{Any: []any{long, long, "a", "a"}, Free: map[string]any{long: "a"}},
		},
		{name: "half a surrogate pair", data: `{"name":"\ud83dx"}`, want: record{Name: "\ufffdx"}},
		{name: "an escaped zero", data: `{"name":"\u0000"}`, want: record{Name: "\x00"}},

		// Numbers.
		{name: "numbers in free-form values", data: `{"free":{"n":1.10},"any":[1e400,-0,12345678901234567890,1E-7]}`,
			want: record{
				Free: map[string]any{"n": json.Number("1.10")},
				Any:  []any{json.Number("1e400"), json.Number("-0"), json.Number("12345678901234567890"), json.Number("1E-7")},
			}},
		{name: "numbers", data: `{"count":-9223372036854775808,"small":127,"share":1e-3,"number":1e400,"pair":[1,2]}`,
			want: record{Count: math.MinInt64, Small: 127, Share: 0.001, Number: "1e400", Pair: [2]int{1, 2}}},
		{name: "a zero fraction for an integer", data: `{"count":1.0}`, want: record{Count: 1}},
		{name: "an exponent for an integer", data: `{"count":1e2}`, want: record{Count: 100}},
		{name: "a fraction for an integer", data: `{"count":1.5}`, err: "count: not an integer"},
		{name: "a fraction of a number beyond 1<<53", data: `{"count":9007199254740993.0}`, err: "count: number out of the range of int64"},
		{name: "too large for an integer", data: `{"small":128}`, err: "small: number out of the range of int8"},
		{name: "too large for a float", data: `{"share":1e400}`, err: "share: number out of the range of float64"},
		{name: "a number as a string", data: `{"count":"1"}`, err: "count: cannot unmarshal string into Go int64"},
		{name: "a string for a json.Number", data: `{"number":"s3cret"}`, err: "number: not a number"},

		// Null and nothing.
		{name: "null everywhere", data: `{"name":null,"kind":null,"count":null,"small":null,"share":null,"on":null,"note":null,"at":null,"until":null,
			"home":null,"work":null,"tags":null,"stops":null,"refs":null,"labels":null,"sites":null,"kinds":null,"free":null,"any":null,
			"number":null,"bytes":null,"pair":null,"age":null,"level":null,"levels":null,"wrapped":null,"code":null,"kid":null}`},
		{name: "null in arrays and maps", data: `{"tags":[null],"stops":[null],"refs":[null],"labels":{"a":null},"any":[null],"free":{"a":null}}`,
			want: record{
				Tags: []string{""}, Stops: []place{{}}, Refs: []*place{nil}, Labels: map[string]string{"a": ""},
				Any: []any{nil}, Free: map[string]any{"a": nil},
			}},
		{name: "empty arrays and objects", data: `{"tags":[],"stops":[ ],"labels":{},"free":{ },"any":[],"kid":{}}`,
			want: record{Tags: []string{}, Stops: []place{}, Labels: map[string]string{}, Free: map[string]any{}, Any: []any{}, Kid: &record{}}},
		{name: "a raw null", data: `{"raw":null}`, want: record{Raw: json.RawMessage("null")}},

		// Shapes.
		{name: "white space everywhere", data: " {\r\n\t\"tags\" : [ \"a\" , \"b\" ] ,\n\"home\" : { \"city\" : \"c\" } , \"any\" : [ 1 , { \"x\" : true } ] } ",
			want: record{Tags: []string{"a", "b"}, Home: place{"c"}, Any: []any{json.Number("1"), map[string]any{"x": true}}}},
		{name: "a character that is not white space in JSON", data: "\v{}", err: `invalid character '\v' at start of value`},
		{name: "a no-break space", data: "{}\u00a0", err: `invalid character '\u00a0' after top-level value`},
		{name: "many elements", data: `{"tags":["a","b","c","d","e","f","g","h","i"]}`, want: record{Tags: strings.Split("abcdefghi", "")}},
		{name: "pointers", data: `{"note":"","kid":{"kid":{"note":"a"}}}`, want: record{Note: new(""), Kid: &record{Kid: &record{Note: new("a")}}}},
		{name: "types with methods", data: `{"age":7,"level":"abc","levels":{"ab":1},"wrapped":{"city":"a"},"code":"b"}`,
			want: record{Age: &seconds{"7"}, Level: level{"abc"}, Levels: map[level]int{{"ab"}: 1}, Wrapped: &wrapped{"a"}, Code: "#b"}},
		{name: "bytes", data: `{"bytes":"AQI="}`, want: record{Bytes: []byte{1, 2}}},
		{name: "free-form values", data: `{"any":{"a":[true,false,null,"x",{}]},"on":true}`,
			want: record{Any: map[string]any{"a": []any{true, false, nil, "x", map[string]any{}}}, On: true}},
		{name: "raw values", data: `{"raw": [ 1.10,{"a" :2}] }`, want: record{Raw: json.RawMessage(`[ 1.10,{"a" :2}]`)}},
		{name: "a type's own error", data: `{"age":"x"}`, err: "age: not a number of seconds"},
		{name: "a wrong type in a type with methods", data: `{"kid":{"wrapped":{"city":1}}}`,
			err: "kid.wrapped.city: cannot unmarshal number into Go string"},
		{name: "a wrong type in an array", data: `{"stops":[{"city":"a"},{"city":[]}]}`, err: "stops[1].city: cannot unmarshal array into Go string"},
		{name: "an object for a string", data: `{"kind":{}}`, err: "kind: cannot unmarshal object into Go string"},
		{name: "a string for an object", data: `{"kid":"a"}`, err: "kid: cannot unmarshal string into Go struct"},
		{name: "a string for an array", data: `{"tags":"a"}`, err: "tags: cannot unmarshal string into Go slice"},
		{name: "an array for a map", data: `{"free":[]}`, err: "free: cannot unmarshal array into Go map"},
		{name: "a bool for a map", data: `{"labels":true}`, err: "labels: cannot unmarshal bool into Go map"},
		{name: "the other bool for a string", data: `{"name":false}`, err: "name: cannot unmarshal bool into Go string"},
		{name: "a number for a bool", data: `{"on":1}`, err: "on: cannot unmarshal number into Go bool"},
		{name: "a number for a type with a text form", data: `{"level":1}`, err: "level: JSON value must be string type"},
		{name: "another type in an unknown member of that type", data: `{"x":1,"name":[]}`, err: "name: cannot unmarshal array into Go string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			decodes(t, c.data, c.want, c.err)
		})
	}
}

// A body of nested brackets must not exhaust the stack.
func TestUnmarshalOfDeepNesting(t *testing.T) {
	t.Parallel()
	nest := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for name, format := range map[string][3]string{
		"a raw member":       {`{"raw":`, "[", "]"},
		"an unknown member":  {`{"x":`, "[", "]"},
		"a free-form member": {`{"any":`, "[", "]"},
		"a member of a type": {`{"kid":`, `{"kid":`, "}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := func(depth int) []byte {
				return []byte(format[0] + nest(format[1], "{}", format[2], depth-2) + "}")
			}
			var v record
			require.NoError(t, wire.Unmarshal(body(10000), &v))
			for _, depth := range []int{10001, 1000000} {
				err := wire.Unmarshal(body(depth), &v)
				require.Errorf(t, err, "no error at a depth of %d", depth)
				require.ErrorContains(t, err, "exceeded max depth")
			}
		})
	}
}

// Bodies contain credentials, and errors are logged.
func TestErrorsDoNotQuoteBody(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		`"s3cret"`, `["s3cret"]`, `{"count":"s3cret"}`, `{"at":"s3cret"}`, `{"until":"s3cret"}`, `{"number":"s3cret"}`, `{"bytes":"s3cret!"}`,
		`{"count":8675309.5}`, `{"small":8675309}`, `{"name":8675309}`, `{"share":"s3cret"}`, `{"pair":["s3cret"]}`,
		`{"home":"s3cret"}`, `{"labels":{"a":["s3cret"]}}`, `{"levels":{"a":"s3cret"}}`, `{"age":"s3cret"}`, `{"kid":{"at":"s3cret"}}`,
		`{"name":"s3cret`, `{"name":"s3cret"`, `{"name":"s3cret\x"}`, `{"name":"s3cret\u12"}`, `{"name":"a\us3cret"}`, `{"name":s3cret}`, `s3cret`,
		`{"name":"s3cret"}s3cret`, `{"s3cret"}`, `{s3cret:1}`, "{\"name\":\"s3cret\n\"}", `{"name":8675309x}`, `{"name":"a"s3cret}`,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var v record
			err := wire.UnmarshalGeneric([]byte(data), &v)
			require.Error(t, err)
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			for _, part := range []string{
				"s3cret", "s3cre", "86753", `\us3`, `\u12`,
			} {
				require.NotContains(t, text, part)
			}
			for ; err != nil; err = errors.Unwrap(err) {
				require.NotContains(t, err.Error(), "s3c")
				require.NotContains(t, err.Error(), "867")
			}
		})
	}
}

// Callers of Client.Do decode into their own types.
func TestUnmarshalIntoTypesOfCallers(t *testing.T) {
	t.Parallel()
	type Base struct {
		ID   string `json:"id"`
		Free any    `json:"free"`
	}
	type Derived struct {
		Base
		At time.Time `json:"at"`
	}
	for _, c := range []struct {
		name, data string
		into, want any
		err        string
	}{
		{name: "any", data: `{"a":[1]}`, into: new(any), want: new(any(map[string]any{"a": []any{json.Number("1")}}))},
		{name: "any with a value", data: `"a"`, into: new(any(7)), want: new(any("a"))},
		{name: "a number", data: `7`, into: new(int), want: new(7)},
		{name: "an unsigned number", data: `7`, into: new(uint8), want: new(uint8(7))},
		{name: "a string", data: `"a"`, into: new(string), want: new("a")},
		{name: "a pointer to a pointer", data: `"a"`, into: new(*string), want: new(new("a"))},
		{name: "raw", data: ` {"a": 1} `, into: new(json.RawMessage), want: new(json.RawMessage(`{"a": 1}`))},
		{name: "a longer slice", data: `[{}]`, into: &[]place{{"a"}, {"b"}}, want: &[]place{{"a"}}},
		{name: "a map with keys", data: `{"b":{}}`, into: &map[string]place{"a": {"x"}, "b": {"y"}}, want: &map[string]place{"a": {"x"}, "b": {}}},
		{name: "a struct with values", data: `{"work":{}}`, into: &record{Name: "a", Work: &place{"b"}}, want: &record{Name: "a", Work: &place{"b"}}},
		{name: "numbers as keys", data: `{"1":"a"}`, into: new(map[int]string), want: &map[int]string{1: "a"}},
		{name: "keys with an UnmarshalText method", data: `{"a":1}`, into: new(map[code]int), want: &map[code]int{"#a": 1}},
		{name: "a field without a tag", data: `{"name":"a","Name":"b"}`, into: &struct{ Name string }{}, want: &struct{ Name string }{"b"}},
		{name: "an embedded struct", data: `{"id":"a","free":1.10,"name":"b","x":1}`, into: &struct {
			Base
			Name string `json:"name"`
		}{}, want: &struct {
			Base
			Name string `json:"name"`
		}{Base{"a", json.Number("1.10")}, "b"}},
		{name: "an invalid time in an embedded struct", data: `{"at":"s3cret"}`, into: new(Derived), err: "at: not a time in RFC 3339 or ISO 8601"},
		{name: "omitempty", data: `{"s":"a","S":"b"}`, into: &struct {
			S string `json:"s,omitempty"`
		}{}, want: &struct {
			S string `json:"s,omitempty"`
		}{"a"}},
		{name: "a number in a string", data: `{"n":"7"}`, into: &struct {
			N int `json:"n,string"`
		}{}, want: &struct {
			N int `json:"n,string"`
		}{7}},
		{name: "no pointer", data: `{}`, into: record{}, err: "value must be passed as a non-nil pointer reference"},
		{name: "a nil pointer", data: `{}`, into: (*record)(nil), err: "value must be passed as a non-nil pointer reference"},
		{name: "nil", data: `{}`, into: nil, err: "value must be passed as a non-nil pointer reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := wire.UnmarshalGeneric([]byte(c.data), c.into)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, c.into)
		})
	}
}

// The memory of a body is reused. Decoded values must not refer to it.
func TestUnmarshalDoesNotRetainBody(t *testing.T) {
	t.Parallel()
	data := []byte(`{"name":"name","labels":{"key":"text"},"free":{"key":"text"},"any":["text",12],"raw":[1],"number":12}`)
	var got record
	require.NoError(t, wire.UnmarshalGeneric(data, &got))
	for i := range data {
		data[i] = 'X'
	}
	require.Equal(t, record{
		Name: "name", Labels: map[string]string{"key": "text"}, Free: map[string]any{"key": "text"},
		Any: []any{"text", json.Number("12")}, Raw: json.RawMessage("[1]"), Number: "12",
	}, got)
}
