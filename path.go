package apono

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/apono-go/apono/internal/operation"
)

// fillPath fills a path template with arguments, each as one escaped segment.
func fillPath(op *operation.Operation, args []string) (string, error) {
	for i, name := range op.Parameters() {
		if err := checkSegment(name, args[i]); err != nil {
			return "", err
		}
	}
	return op.Fill(func(i int, _ string) string { return url.PathEscape(args[i]) }), nil
}

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
