package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/wire"
)

// seconds decodes itself, and refuses what is no number.
type seconds struct{ n string }

var errSeconds = errors.New("it is no number of seconds")

func (s *seconds) UnmarshalJSON(data []byte) error {
	if strings.Trim(string(data), "0123456789") != "" {
		return errSeconds
	}
	s.n = string(data)
	return nil
}

func (s seconds) MarshalJSON() ([]byte, error) { return []byte(s.n), nil }

// level decodes itself from a text.
type level struct{ text string }

func (l *level) UnmarshalText(text []byte) error {
	l.text = string(text)
	return nil
}

func (l level) MarshalText() ([]byte, error) { return []byte(l.text), nil }

// code is a text with a text form of its own.
type code string

func (c *code) UnmarshalText(text []byte) error {
	*c = code("#" + string(text))
	return nil
}

func (c code) MarshalText() ([]byte, error) { return []byte(strings.TrimPrefix(string(c), "#")), nil }

// wrapped decodes itself by way of its plain form, as models do.
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

// record has the shapes that models are made of.
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

// decodes checks what Unmarshal and UnmarshalKnown make of data.
func decodes[T any](t *testing.T, data string, want T, wantUnknown bool, wantErr string) {
	t.Helper()
	var plain, known T
	plainErr := wire.Unmarshal([]byte(data), &plain)
	unknown, knownErr := wire.UnmarshalKnown([]byte(data), &known)
	if wantErr != "" {
		check.True(t, plainErr != nil && knownErr != nil, "errors, got %v and %v", plainErr, knownErr)
		check.Equal(t, plainErr.Error(), wantErr)
		check.Equal(t, knownErr.Error(), wantErr)
		return
	}
	check.NoError(t, errors.Join(plainErr, knownErr))
	check.Equal(t, plain, want)
	check.Equal(t, known, want)
	check.Equal(t, unknown, wantUnknown)
}

// An answer of nothing, of null or with something behind it is some proxy's or a
// broken one. Decoded into an empty object it looks like success.
func TestUnmarshal(t *testing.T) {
	t.Parallel()
	ada := person{Name: "Ada", Home: &place{City: "London"}}
	for _, c := range []struct {
		name, data string
		want       person
		unknown    bool
		err        string
	}{
		{name: "known members", data: `{"name":"Ada","home":{"city":"London"}}`, want: ada},
		{name: "white space around", data: " \r\n\t{\"name\":\"Ada\",\"home\":{\"city\":\"London\"}}\n ", want: ada},
		{name: "an empty object", data: `{}`},
		{name: "anything in a free-form member", data: `{"free":{"x":1.10}}`, want: person{Free: map[string]any{"x": json.Number("1.10")}}},
		{name: "an unknown member", data: `{"x":{"y":[1]},"name":"Ada","home":{"city":"London"}}`, want: ada, unknown: true},
		{name: "a nested unknown member", data: `{"home":{"x":null,"city":"London"},"name":"Ada"}`, want: ada, unknown: true},
		{name: "an unknown member in an array", data: `{"stops":[{"city":"Rome"},{"x":1}]}`, want: person{Stops: []place{{"Rome"}, {}}}, unknown: true},
		{name: "nothing", data: "", err: "the body is empty"},
		{name: "white space", data: " \n\t ", err: "the body is empty"},
		{name: "null", data: "null", err: "the body is null"},
		{name: "null with white space", data: "\n null ", err: "the body is null"},
		{name: "a second value", data: `{"name":"Ada"} {}`, err: "something follows the value"},
		{name: "trailing bytes", data: `{"name":"Ada"}]`, err: "something follows the value"},
		{name: "trailing bytes after a name in another case", data: `{"HOME":{}},"x":{}`, err: "something follows the value"},
		{name: "trailing bytes after an unknown member", data: `{"x":1}<html>`, err: "something follows the value"},
		{name: "HTML", data: `<html>`, err: "invalid character '<' looking for beginning of value"},
		{name: "cut short", data: `{"name":"Ada","home":{`, err: "unexpected EOF"},
		{name: "another type", data: `["Ada"]`, err: "json: cannot unmarshal array into Go value of type wire_test.person"},
		{name: "a member of another type", data: `{"name":["Ada"]}`, err: "json: cannot unmarshal array into Go struct field person.name of type string"},
		{name: "an unknown member and one of another type", data: `{"x":1,"name":7}`, err: "json: cannot unmarshal number into Go struct field person.name of type string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			decodes(t, c.data, c.want, c.unknown, c.err)
		})
	}
}

func TestUnmarshalErrorsCanBeCompared(t *testing.T) {
	t.Parallel()
	var v person
	check.ErrorIs(t, wire.Unmarshal(nil, &v), wire.ErrEmpty)
	check.ErrorIs(t, wire.Unmarshal([]byte("null"), &v), wire.ErrNull)
	check.ErrorIs(t, wire.Unmarshal([]byte("{}null"), &v), wire.ErrTrailing)
}

// Two answers in one body are seen however long the first is: a decoder that
// reads in pieces may end a piece exactly between them.
func TestUnmarshalKnownSeesWhatFollowsABodyOfAnyLength(t *testing.T) {
	t.Parallel()
	for length := range 4096 {
		var v person
		body := `{"name":"` + strings.Repeat("x", length) + `"}`
		_, err := wire.UnmarshalKnown([]byte(body+`{"name":"y"}`), &v)
		check.True(t, errors.Is(err, wire.ErrTrailing), "an error for what follows a body of %d bytes", len(body))
	}
}

// Every release of Go, and its two implementations of JSON, must read a body in
// the same way: a program that another release is built with must not see other
// grants. Run this table under all of them.
func TestUnmarshalIsTheSameUnderAllVersionsOfGo(t *testing.T) {
	t.Parallel()
	const long = "a text of more than thirty-two characters"
	for _, c := range []struct {
		name, data string
		want       record
		unknown    bool
		err        string
	}{
		// Names.
		{name: "another case", data: `{"NAME":"a","Name":"b","nAme":"c"}`, unknown: true},
		{name: "another case beside the name", data: `{"name":"a","NAME":"b"}`, want: record{Name: "a"}, unknown: true},
		{name: "another case of another type", data: `{"Count":"x","TAGS":{}}`, unknown: true},
		{name: "letters that fold to ASCII", data: `{"\u212aind":"a","tagſ":["a"],"ſtops":[{}]}`, unknown: true},
		{name: "another case in nested objects", data: `{"home":{"City":"a"},"stops":[{"CITY":"b"}],"sites":{"A":{"cITY":"c"}}}`,
			want: record{Stops: []place{{}}, Sites: map[string]place{"A": {}}}, unknown: true},
		{name: "case in free-form keys", data: `{"free":{"A":1,"a":2},"labels":{"Env":"x","ENV":"y"},"any":{"NAME":"a"}}`,
			want: record{
				Free:   map[string]any{"A": json.Number("1"), "a": json.Number("2")},
				Labels: map[string]string{"Env": "x", "ENV": "y"}, Any: map[string]any{"NAME": "a"},
			}},
		{name: "escapes in a name", data: `{"na\u006de":"a","\u0063ount":1}`, want: record{Name: "a", Count: 1}},
		{name: "fields that take no part", data: `{"Hidden":"a","-":"b","private":"c"}`, unknown: true},
		{name: "an empty name", data: `{"":1}`, unknown: true},
		{name: "free-form keys are no members", data: `{"free":{"x":1},"labels":{"y":"z"},"any":[{"w":1}],"raw":{"v":1}}`,
			want: record{
				Free: map[string]any{"x": json.Number("1")}, Labels: map[string]string{"y": "z"},
				Any: []any{map[string]any{"w": json.Number("1")}}, Raw: json.RawMessage(`{"v":1}`),
			}},
		{name: "an unknown member in a map of objects", data: `{"sites":{"a":{"x":1}}}`, want: record{Sites: map[string]place{"a": {}}}, unknown: true},
		{name: "an unknown member behind pointers", data: `{"refs":[{"x":1}],"kid":{"work":{"x":1}}}`,
			want: record{Refs: []*place{{}}, Kid: &record{Work: &place{}}}, unknown: true},
		{name: "unknown members of all types", data: `{"a":{"b":[{"c":"}]\"\\"}]},"d":[[],{}],"e":-1.5e+3,"f":"","g":true,"h":false,"i":null,"name":"n"}`,
			want: record{Name: "n"}, unknown: true},

		// Duplicates.
		{name: "a name twice", data: `{"name":"a","name":"b"}`, want: record{Name: "b"}},
		{name: "a name twice by an escape", data: `{"name":"a","nam\u0065":"b"}`, want: record{Name: "b"}},
		{name: "an object twice", data: `{"kid":{"name":"a","count":1},"kid":{"name":"b"}}`, want: record{Kid: &record{Name: "b", Count: 1}}},
		{name: "an object twice, without a pointer", data: `{"home":{"city":"a"},"home":{}}`, want: record{Home: place{"a"}}},
		{name: "a map twice", data: `{"labels":{"a":"1"},"labels":{"b":"2"}}`, want: record{Labels: map[string]string{"a": "1", "b": "2"}}},
		{name: "a key of a map twice", data: `{"kinds":{"a":[1,2],"a":[3]}}`, want: record{Kinds: map[status][]int{"a": {3}}}},
		{name: "an object in a map twice", data: `{"sites":{"a":{"city":"x"},"a":{}}}`, want: record{Sites: map[string]place{"a": {}}}},
		{name: "a free-form object twice", data: `{"free":{"a":{"x":1},"a":{"y":2}}}`, want: record{Free: map[string]any{"a": map[string]any{"y": json.Number("2")}}}},
		{name: "an array twice", data: `{"stops":[{"city":"a"},{"city":"b"}],"stops":[{}]}`, want: record{Stops: []place{{"a"}}}},
		{name: "null the second time", data: `{"name":"a","name":null,"work":{},"work":null,"home":{"city":"a"},"home":null,"at":"2026-03-05T07:08:09Z","at":null}`,
			want: record{Name: "a", Home: place{"a"}, At: time.Date(2026, time.March, 5, 7, 8, 9, 0, time.UTC)}},
		{name: "another type the first time", data: `{"name":1,"name":"a"}`, err: "json: cannot unmarshal number into Go struct field record.name of type string"},

		// Strings.
		{name: "escapes", data: `{"name":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00<>&"}`, want: record{Name: "\"\\/\b\f\n\r\té😀<>&"}},
		{name: "text beyond ASCII", data: `{"name":"é😀","free":{"é":"😀"}}`, want: record{Name: "é😀", Free: map[string]any{"é": "😀"}}},
		{name: "no UTF-8", data: "{\"name\":\"a\xffb\xc3\",\"free\":{\"\xff\":\"\xff\"}}",
			want: record{Name: "a\ufffdb\ufffd", Free: map[string]any{"\ufffd": "\ufffd"}}},
		{name: "no UTF-8 in a name", data: "{\"name\xff\":\"a\"}", unknown: true},
		{
			name: "long and equal texts", data: `{"any":["` + long + `","` + long + `","a","a"],"free":{"` + long + `":"a"}}`,
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
		{name: "a fraction for an integer", data: `{"count":1.0}`, err: "json: cannot unmarshal number into Go struct field record.count of type int64"},
		{name: "an exponent for an integer", data: `{"count":1e2}`, err: "json: cannot unmarshal number into Go struct field record.count of type int64"},
		{name: "too large for an integer", data: `{"small":128}`, err: "json: cannot unmarshal number into Go struct field record.small of type int8"},
		{name: "too large for a float", data: `{"share":1e400}`, err: "json: cannot unmarshal number into Go struct field record.share of type float64"},
		{name: "a number as a string", data: `{"count":"1"}`, err: "json: cannot unmarshal string into Go struct field record.count of type int64"},
		{name: "a text for a json.Number", data: `{"number":"s3cret"}`, err: "json: a value does not fit the type that it is decoded into"},

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
		{name: "white space that is none in JSON", data: "\v{}", err: `invalid character '\v' looking for beginning of value`},
		{name: "a space of another kind", data: "{}\u00a0", err: "something follows the value"},
		{name: "many elements", data: `{"tags":["a","b","c","d","e","f","g","h","i"]}`, want: record{Tags: strings.Split("abcdefghi", "")}},
		{name: "pointers", data: `{"note":"","kid":{"kid":{"note":"a"}}}`, want: record{Note: ptr(""), Kid: &record{Kid: &record{Note: ptr("a")}}}},
		{name: "types with methods", data: `{"age":7,"level":"abc","levels":{"ab":1},"wrapped":{"city":"a"},"code":"b"}`,
			want: record{Age: &seconds{"7"}, Level: level{"abc"}, Levels: map[level]int{{"ab"}: 1}, Wrapped: &wrapped{"a"}, Code: "#b"}},
		{name: "bytes", data: `{"bytes":"AQI="}`, want: record{Bytes: []byte{1, 2}}},
		{name: "free-form values", data: `{"any":{"a":[true,false,null,"x",{}]},"on":true}`,
			want: record{Any: map[string]any{"a": []any{true, false, nil, "x", map[string]any{}}}, On: true}},
		{name: "raw values", data: `{"raw": [ 1.10,{"a" :2}] }`, want: record{Raw: json.RawMessage(`[ 1.10,{"a" :2}]`)}},
		{name: "a type's own error", data: `{"age":"x"}`, err: "it is no number of seconds"},
		{name: "a wrong type in a type with methods", data: `{"kid":{"wrapped":{"city":1}}}`,
			err: "json: cannot unmarshal number into Go struct field place.city of type string"},
		{name: "a wrong type in an array", data: `{"stops":[{"city":"a"},{"city":[]}]}`, err: "json: cannot unmarshal array into Go struct field record.stops.city of type string"},
		{name: "an object for a string", data: `{"kind":{}}`, err: "json: cannot unmarshal object into Go struct field record.kind of type wire_test.status"},
		{name: "a string for an object", data: `{"kid":"a"}`, err: "json: cannot unmarshal string into Go struct field record.kid of type wire_test.record"},
		{name: "a string for an array", data: `{"tags":"a"}`, err: "json: cannot unmarshal string into Go struct field record.tags of type []string"},
		{name: "an array for a map", data: `{"free":[]}`, err: "json: cannot unmarshal array into Go struct field record.free of type map[string]interface {}"},
		{name: "a bool for a map", data: `{"labels":true}`, err: "json: cannot unmarshal bool into Go struct field record.labels of type map[string]string"},
		{name: "the other bool for a string", data: `{"name":false}`, err: "json: cannot unmarshal bool into Go struct field record.name of type string"},
		{name: "a number for a bool", data: `{"on":1}`, err: "json: cannot unmarshal number into Go struct field record.on of type bool"},
		{name: "a number for a type with a text form", data: `{"level":1}`, err: "json: cannot unmarshal number into Go struct field record.level of type wire_test.level"},
		{name: "another type in an unknown member of that type", data: `{"x":1,"name":[]}`, err: "json: cannot unmarshal array into Go struct field record.name of type string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			decodes(t, c.data, c.want, c.unknown, c.err)
		})
	}
}

// An answer of nothing but brackets must not exhaust the stack.
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
			check.NoError(t, wire.Unmarshal(body(10000), &v))
			for _, depth := range []int{10001, 1000000} {
				err := wire.Unmarshal(body(depth), &v)
				check.True(t, err != nil, "an error at a depth of %d", depth)
				check.Contains(t, err.Error(), "exceeded max depth")
			}
		})
	}
}

// Times that one release reads and another refuses would make a list fail with
// the next update of the compiler.
func TestUnmarshalTimes(t *testing.T) {
	t.Parallel()
	const refused = ""
	for text, want := range map[string]string{
		`"2026-03-05T07:08:09Z"`:            `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09.123456789Z"`:  `2026-03-05T07:08:09.123456789Z`,
		`"2026-03-05T07:08:09.1234567891Z"`: `2026-03-05T07:08:09.123456789Z`,
		`"2026-03-05T07:08:09.5+02:00"`:     `2026-03-05T07:08:09.5+02:00`,
		`"2026-03-05T07:08:09-23:59"`:       `2026-03-05T07:08:09-23:59`,
		`"0000-01-01T00:00:00Z"`:            `0000-01-01T00:00:00Z`,
		`"9999-12-31T23:59:59Z"`:            `9999-12-31T23:59:59Z`,
		`"2024-02-29T00:00:00Z"`:            `2024-02-29T00:00:00Z`,
		`"2026-02-29T00:00:00Z"`:            refused,
		`"2026-03-05T7:08:09Z"`:             `2026-03-05T07:08:09Z`,
		`"2026-03-05T07:08:09,5Z"`:          `2026-03-05T07:08:09.5Z`,
		`"2026-03-05T07:08:09+24:00"`:       `2026-03-05T07:08:09+24:00`,
		`"2026-03-05T07:08:60Z"`:            refused,
		`"2026-03-05T24:00:00Z"`:            refused,
		`"2026-03-05t07:08:09z"`:            refused,
		`"2026-03-05 07:08:09Z"`:            refused,
		`"2026-03-05T07:08:09"`:             refused,
		`"2026-03-05T07:08:09+0200"`:        refused,
		`"2026-03-05"`:                      refused,
		`""`:                                refused,
		`"s3cret"`:                          refused,
		`1772694489`:                        refused,
		`{}`:                                refused,
		`true`:                              refused,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got struct {
				At    time.Time    `json:"at"`
				Until *time.Time   `json:"until"`
				All   []*time.Time `json:"all"`
			}
			err := wire.Unmarshal([]byte(`{"at":`+text+`,"until":`+text+`,"all":[`+text+`]}`), &got)
			if want == refused {
				check.True(t, err != nil, "an error")
				check.Equal(t, err.Error(), "json: a time is not in the form of RFC 3339")
				return
			}
			check.NoError(t, err)
			for _, got := range []time.Time{got.At, *got.Until, *got.All[0]} {
				check.Equal(t, got.Format(time.RFC3339Nano), want)
			}
		})
	}
}

// Bodies hold credentials, and errors end in logs.
func TestErrorsDoNotQuoteTheBody(t *testing.T) {
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
			err := wire.Unmarshal([]byte(data), &v)
			check.True(t, err != nil, "an error")
			check.Lacks(t, fmt.Sprintf("%v %+v %#v", err, err, err), "s3cret", "s3cre", "86753", `\us3`, `\u12`)
			for ; err != nil; err = errors.Unwrap(err) {
				check.Lacks(t, err.Error(), "s3c", "867")
			}
		})
	}
}

// Callers decode into targets of their own, for operations that this version
// does not know.
func TestUnmarshalIntoTheTypesOfCallers(t *testing.T) {
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
		{name: "any", data: `{"a":[1]}`, into: new(any), want: ptr[any](map[string]any{"a": []any{json.Number("1")}})},
		{name: "any that was something else", data: `"a"`, into: ptr[any](7), want: ptr[any]("a")},
		{name: "a number", data: `7`, into: new(int), want: ptr(7)},
		{name: "an unsigned number", data: `7`, into: new(uint8), want: ptr[uint8](7)},
		{name: "a string", data: `"a"`, into: new(string), want: ptr("a")},
		{name: "a pointer to a pointer", data: `"a"`, into: new(*string), want: ptr(ptr("a"))},
		{name: "raw", data: ` {"a": 1} `, into: new(json.RawMessage), want: ptr(json.RawMessage(`{"a": 1}`))},
		{name: "a list that was longer", data: `[{}]`, into: &[]place{{"a"}, {"b"}}, want: &[]place{{"a"}}},
		{name: "a map that has keys", data: `{"b":{}}`, into: &map[string]place{"a": {"x"}, "b": {"y"}}, want: &map[string]place{"a": {"x"}, "b": {}}},
		{name: "a struct that has values", data: `{"work":{}}`, into: &record{Name: "a", Work: &place{"b"}}, want: &record{Name: "a", Work: &place{"b"}}},
		{name: "numbers as keys", data: `{"1":"a"}`, into: new(map[int]string), want: &map[int]string{1: "a"}},
		{name: "texts with a form of their own as keys", data: `{"a":1}`, into: new(map[code]int), want: &map[code]int{"#a": 1}},
		{name: "a field without a tag", data: `{"name":"a","Name":"b"}`, into: &struct{ Name string }{}, want: &struct{ Name string }{"b"}},
		{name: "an embedded struct", data: `{"id":"a","free":1.10,"name":"b","x":1}`, into: &struct {
			Base
			Name string `json:"name"`
		}{}, want: &struct {
			Base
			Name string `json:"name"`
		}{Base{"a", json.Number("1.10")}, "b"}},
		{name: "no time in an embedded struct", data: `{"at":"s3cret"}`, into: new(Derived), err: "json: a time is not in the form of RFC 3339"},
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
		{name: "no pointer", data: `{}`, into: record{}, err: "json: Unmarshal(non-pointer wire_test.record)"},
		{name: "a nil pointer", data: `{}`, into: (*record)(nil), err: "json: Unmarshal(nil *wire_test.record)"},
		{name: "nil", data: `{}`, into: nil, err: "json: Unmarshal(nil)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := wire.Unmarshal([]byte(c.data), c.into)
			if c.err != "" {
				check.True(t, err != nil && err.Error() == c.err, "error %q, got %v", c.err, err)
				return
			}
			check.NoError(t, err)
			check.Equal(t, c.into, c.want)
		})
	}
}

// Strings of a body are shared between the values that it is decoded into. They
// must not be shared with the body, whose memory is used again.
func TestUnmarshalKeepsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	data := []byte(`{"name":"name","labels":{"key":"text"},"free":{"key":"text"},"any":["text",12],"raw":[1],"number":12}`)
	var got record
	check.NoError(t, wire.Unmarshal(data, &got))
	for i := range data {
		data[i] = 'X'
	}
	check.Equal(t, got, record{
		Name: "name", Labels: map[string]string{"key": "text"}, Free: map[string]any{"key": "text"},
		Any: []any{"text", json.Number("12")}, Raw: json.RawMessage("[1]"), Number: "12",
	})
}

// FuzzUnmarshal feeds bodies of any shape. Whatever a server answers must not end
// the process of its user, and must be read as encoding/json reads it.
func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"name":"a","count":1,"kid":{"at":"2026-03-05T07:08:09Z","stops":[{"city":"b"},null]},"x":{"y":[1.10]}}`))
	f.Add([]byte(`{"free":{"a":[1e400,"\ud800",{"b":null}]},"any":-0,"raw":{"a":1},"labels":{"a":"\u00e9"},"kinds":{"a":[1,2]}}`))
	f.Add([]byte("{\"NAME\":\"a\",\"na\\u006de\":\"b\",\"name\":\"\xff\",\"home\":{\"city\":\"a\"},\"home\":{}}"))
	f.Add([]byte(`{"age":7,"level":"abc","levels":{"ab":1},"bytes":"AQI=","pair":[1,2,3],"number":"12","share":1.5,"wrapped":{"city":""}}`))
	f.Add([]byte(`[{"name":"a"},]`))
	f.Add([]byte(`{"tags":["a","b"],"on":true}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got record
		unknown, err := wire.UnmarshalKnown(data, &got)
		var free any
		freeErr := wire.Unmarshal(data, &free)
		if want, ok := parseBody(data); ok && freeErr == nil {
			check.Equal(t, free, want)
		} else {
			check.True(t, !ok == (freeErr != nil), "one verdict on %q, got %v", data, freeErr)
		}
		if err != nil {
			return
		}

		if !unknown {
			var want record
			decoder := json.NewDecoder(bytes.NewReader(data))
			decoder.UseNumber()
			check.NoError(t, decoder.Decode(&want))
			check.Equal(t, got, want)
		}

		// What was read can be sent, and is read again as the same.
		sent, err := wire.Marshal(got)
		if err != nil {
			check.True(t, strings.HasSuffix(err.Error(), "nested too deep, or holds itself") || strings.Contains(err.Error(), "timezone"), "what was read can be sent, got %v", err)
			return
		}
		var again record
		check.NoError(t, wire.Unmarshal(sent, &again))
		resent, err := wire.Marshal(again)
		check.NoError(t, err)
		check.Equal(t, string(resent), string(sent))

		// A member that the API gains changes nothing else.
		object, ok := free.(map[string]any)
		check.True(t, ok, "an object, got %T", free)
		var before, after record
		check.NoError(t, wire.Unmarshal(reencode(t, object), &before))
		object["NAME"], object["gained"] = []any{"x"}, map[string]any{"y": nil}
		unknown, err = wire.UnmarshalKnown(reencode(t, object), &after)
		check.NoError(t, err)
		check.True(t, unknown, "unknown members beside %s", data)
		check.Equal(t, after, before)
	})
}

func reencode(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	check.NoError(t, err)
	return data
}

// parseBody is what encoding/json makes of a body, if it is one that holds a
// value.
func parseBody(data []byte) (any, bool) {
	if !json.Valid(data) {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err == nil && value != nil
}
