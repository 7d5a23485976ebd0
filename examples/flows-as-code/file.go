package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// file is the content of a file.
type file struct {
	ID     string         `json:"id,omitempty"`
	Space  any            `json:"space,omitempty"` // id and name, as in responses; or one of them
	Object map[string]any `json:"object"`
}

// parse reads the object in the content of a file.
func parse(k *kind, name string, data []byte) (*object, error) {
	o := &object{kind: k, file: name, data: data}
	if err := o.checkSyntax(); err != nil {
		return nil, err
	}
	var content struct {
		ID     string         `json:"id"`
		Space  any            `json:"space"`
		Object jsontext.Value `json:"object"`
	}
	if err := o.checkTypes(data, &content, "", json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	// Check the types of known members now, so that apply does not fail halfway.
	if content.Object == nil {
		return nil, fmt.Errorf("%s: there is no object", name)
	}
	if err := o.checkTypes(content.Object, reflect.New(k.input).Interface(), "/object"); err != nil {
		return nil, err
	}
	value, err := decode(data) // with all members
	if err != nil {
		return nil, o.invalid("", err.Error())
	}
	members, _ := value.(map[string]any)
	o.id = text(members["id"])
	o.body, _ = members["object"].(map[string]any)
	o.name = text(o.body["name"])
	switch in := members["space"].(type) {
	case nil:
	case map[string]any:
		o.space = readRef(in, "space", "/space")
	default:
		o.space = readRef(map[string]any{"space_reference": in}, "space", "")
		o.space.at = "/space"
	}
	switch {
	case strings.TrimSpace(o.name) == "":
		return nil, fmt.Errorf("%s: the object has no name", name)
	case !o.space.isZero() && !k.spaced:
		return nil, fmt.Errorf("%s: a %s cannot be in a space", o.place("/space"), k.noun)
	}
	o.complete()
	return o, nil
}

// checkSyntax returns an error if the content of a file is not one JSON value, or names a
// member twice.
func (o *object) checkSyntax() error {
	decoder := jsontext.NewDecoder(bytes.NewReader(o.data))
	err := decoder.SkipValue()
	if wrong := (*jsontext.SyntacticError)(nil); errors.As(err, &wrong) {
		line := 1 + bytes.Count(o.data[:min(int(wrong.ByteOffset), len(o.data))], []byte("\n"))
		return fmt.Errorf("%s:%d: %s%w", o.file, line, dotted(wrong.JSONPointer), wrong.Err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if _, err := decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: unexpected data after the JSON object", o.file)
	}
	return nil
}

// checkTypes returns an error if the JSON at a place of the file does not fit a type.
func (o *object) checkTypes(data []byte, into any, at jsontext.Pointer, opts ...json.Options) error {
	err := json.Unmarshal(data, into, opts...)
	if wrong := (*json.SemanticError)(nil); errors.As(err, &wrong) {
		return o.invalid(at+wrong.JSONPointer, mismatch(wrong))
	}
	if err != nil {
		return o.invalid(at, err.Error())
	}
	return nil
}

// mismatch describes a value that does not fit the type of its member.
func mismatch(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "there is no such member"
	case e.Err != nil:
		return e.Err.Error()
	}
	want := e.GoType
	for want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	return fmt.Sprintf("must be %s, not %s", typeNames[want.Kind()], kindNames[e.JSONKind])
}

var typeNames = map[reflect.Kind]string{
	reflect.Struct: "an object", reflect.Map: "an object", reflect.Slice: "an array", reflect.String: "a string", reflect.Bool: "a boolean", reflect.Int: "an integer",
}

var kindNames = map[jsontext.Kind]string{'{': "an object", '[': "an array", '"': "a string", '0': "a number", 't': "a boolean", 'f': "a boolean", 'n': "null"}

// invalid returns an error about a value in the file.
func (o *object) invalid(pointer jsontext.Pointer, reason string) error {
	return fmt.Errorf("%s: %s%s", o.place(string(pointer)), dotted(pointer), reason)
}

// place returns the name of the file with the line of a value, or the object if it is
// from Apono.
func (o *object) place(pointer string) string {
	if o.file == "" {
		return o.String()
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(o.data))
	for {
		if _, err := decoder.ReadToken(); err != nil {
			return o.file
		}
		if string(decoder.StackPointer()) == pointer {
			return fmt.Sprintf("%s:%d", o.file, 1+bytes.Count(o.data[:decoder.InputOffset()], []byte("\n")))
		}
	}
}

// dotted returns a JSON pointer as the start of a message, such as "object.values[1]: ".
func dotted(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			fmt.Fprintf(&b, "[%s]", token)
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	return b.String()
}

// unknown returns the JSON pointers of the members of a value that have no field in its
// type.
func unknown(value any, t reflect.Type, at jsontext.Pointer) (all []jsontext.Pointer) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch value := value.(type) {
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, element := range value {
			all = append(all, unknown(element, t.Elem(), at.AppendToken(fmt.Sprint(i)))...)
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		fields := map[string]reflect.Type{}
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields[name] = field.Type
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if fields[name] == nil {
				all = append(all, at.AppendToken(name))
				continue
			}
			all = append(all, unknown(value[name], fields[name], at.AppendToken(name))...)
		}
	}
	return all
}

// anywhere returns a JSON pointer with "*" for the indexes of arrays.
func anywhere(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		if strings.Trim(token, "0123456789") == "" {
			token = "*"
		}
		b.WriteString("/" + token)
	}
	return b.String()
}

// checkKnown returns an error if a file has members that neither this version nor Apono
// knows. known are those of the objects in Apono.
func (o *object) checkKnown(request map[string]any, known map[string]bool) error {
	for _, pointer := range unknown(request, o.kind.input, "") {
		if !known[anywhere(pointer)] {
			return o.invalid("/object"+pointer, "neither this version nor Apono knows this member: correct it, or use -allow-unknown")
		}
	}
	return nil
}
