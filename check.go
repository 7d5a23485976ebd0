package apono

import (
	"cmp"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// checkSegment rejects values that would address anything but one object: the
// collection, its parent, or a path that proxies interpret in different ways.
func checkSegment(name, value string) error {
	reject := func(reason string) error { return &ArgumentError{Arg: name, Reason: reason} }
	switch {
	case value == "":
		return reject("must not be empty")
	case value == "." || value == "..":
		return reject("must not be \"" + value + "\", which servers may resolve to another path")
	case strings.IndexFunc(value, unicode.IsControl) >= 0:
		return reject("must not contain control characters such as line breaks")
	}
	return nil
}

// cleanPath checks an escaped path and returns it in the form that operations are
// matched by.
func cleanPath(path string) (string, error) {
	reject := func(reason string) (string, error) { return "", &ArgumentError{Arg: "path", Reason: reason} }
	switch {
	case !strings.HasPrefix(path, "/"):
		return reject("must start with \"/\"")
	case strings.ContainsAny(path, "?#"):
		return reject("must not contain \"?\" or \"#\": pass the query separately, and escape the segments")
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return reject("must have valid escaping: escape each segment with url.PathEscape")
		}
		if err := checkSegment("path", text); err != nil {
			return "", err
		}
		segments[i] = url.PathEscape(text)
	}
	return "/" + strings.Join(segments, "/"), nil
}

// ownHeaders are the headers that [WithRequestHeader] rejects.
var ownHeaders = []string{
	"Authorization", "Proxy-Authorization", "Host", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
	"Content-Encoding", "Transfer-Encoding", "Connection", "Te", "Trailer", "Upgrade", "Expect",
	"Idempotency-Key", "X-Idempotency-Key",
}

func checkHeader(name, value string) error {
	const nameCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	switch {
	case name == "" || strings.Trim(name, nameCharacters) != "":
		return &ArgumentError{Arg: "key", Reason: "must be the name of an HTTP header"}
	case slices.Contains(ownHeaders, name):
		return &ArgumentError{Arg: "key", Reason: "must not be " + name + ": the client sets this header"}
	case !isHeaderValue(value):
		return &ArgumentError{Arg: "value", Reason: "must be printable ASCII in the header " + name}
	}
	return nil
}

// checkMembers rejects what must not be sent: a field in an Extra that its struct has
// itself, and the mask of a Secret in an object that holds Secrets.
func checkMembers(arg string, v reflect.Value) error {
	if wrong := wrongMember(v); wrong != nil {
		return within(arg, wrong)
	}
	return nil
}

// within puts a path before the path of an error.
func within(path string, wrong *ArgumentError) *ArgumentError {
	wrong.Arg = path + wrong.Arg
	return wrong
}

// wrongMember returns why a value must not be sent, with the path to what is wrong in
// it, or nil. Paths are built only then: a body may have many members.
func wrongMember(v reflect.Value) *ArgumentError {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return wrongMember(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if wrong := wrongMember(v.Index(i)); wrong != nil {
				return within(fmt.Sprintf("[%d]", i), wrong)
			}
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			if wrong := wrongMember(value); wrong != nil {
				return within(fmt.Sprintf("[%q]", key), wrong)
			}
		}
	case reflect.Struct:
		if secret, ok := reflect.TypeAssert[Secret](v); ok {
			return checkUnmasked(secret.Reveal())
		}
		for field, value := range v.Fields() {
			if !field.IsExported() {
				continue
			}
			wrong := wrongMember(value)
			if text := reflect.Indirect(value); text.Kind() == reflect.String && holdsSecrets(v.Type()) {
				wrong = checkUnmasked(text.String())
			}
			if field.Name == "Extra" {
				wrong = cmp.Or(ownField(value, v.Type()), wrong)
			}
			if wrong != nil {
				return within("."+field.Name, wrong)
			}
		}
	}
	return nil
}

// ownField rejects a field in an Extra that the struct type t has itself.
func ownField(extra reflect.Value, t reflect.Type) *ArgumentError {
	if extra.Kind() != reflect.Map || extra.Type().Key().Kind() != reflect.String {
		return nil // not of this package
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && extra.MapIndex(reflect.ValueOf(name).Convert(extra.Type().Key())).IsValid() {
			return &ArgumentError{Reason: fmt.Sprintf("the field %q belongs in %s, not in Extra", name, field.Name)}
		}
	}
	return nil
}

// holdsSecrets reports whether the Extra of a struct type holds Secrets.
func holdsSecrets(t reflect.Type) bool {
	extra, ok := t.FieldByName("Extra")
	return ok && extra.Type == reflect.TypeFor[map[string]Secret]()
}

func checkUnmasked(text string) *ArgumentError {
	if text == redacted {
		return &ArgumentError{Reason: "must not be " + redacted + ": objects that were printed or marshaled lack their secrets"}
	}
	return nil
}

func notEmpty(arg, value string) error {
	if value == "" {
		return &ArgumentError{Arg: arg, Reason: "must not be empty"}
	}
	return nil
}

// member is a member of a union, and whether it is set.
type member struct {
	name string
	set  bool
}

// exactlyOne rejects a union that does not have exactly one member. A union with
// unknown members may have none: it is of a kind that this version does not know.
func exactlyOne(arg string, unknown int, members ...member) error {
	set := setMemberNames(members)
	if len(set) == 1 || len(set) == 0 && unknown > 0 {
		return nil
	}
	found := "none is"
	if len(set) > 1 {
		found = strings.Join(set, " and ") + " are"
	}
	names := convert(members, func(m member) string { return m.name })
	last := len(names) - 1
	return &ArgumentError{
		Arg:    arg,
		Reason: "exactly one of " + strings.Join(names[:last], ", ") + " and " + names[last] + " must be set, but " + found,
	}
}

// setMemberNames returns the names of the members that are set.
func setMemberNames(members []member) []string {
	var names []string
	for _, m := range members {
		if m.set {
			names = append(names, m.name)
		}
	}
	return names
}
