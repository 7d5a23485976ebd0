package apono

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/apono-go/apono/internal/operation"
)

// buildPath fills a path template with arguments, each as one escaped segment.
func buildPath(op *operation.Operation, args []string) (string, error) {
	for i, name := range op.Parameters() {
		if err := checkSegment(name, args[i]); err != nil {
			return "", err
		}
	}
	return op.Fill(func(i int, _ string) string { return url.PathEscape(args[i]) }), nil
}

// checkSegment refuses what would address something else than one object: the
// collection, its parent, or a path that proxies read in ways of their own.
func checkSegment(name, value string) error {
	refuse := func(reason string) error { return &ArgumentError{Arg: name, Reason: reason} }
	switch {
	case value == "":
		return refuse("it is empty: it must name one object")
	case value == "." || value == "..":
		return refuse("it is " + value + ", which a server may read as another path")
	case strings.IndexFunc(value, unicode.IsControl) >= 0:
		return refuse("it holds a control character, such as a line break")
	}
	return nil
}

// cleanPath checks an escaped path and brings it into the form that the
// operation table is matched with.
func cleanPath(path string) (string, error) {
	refuse := func(reason string) (string, error) { return "", &ArgumentError{Arg: "path", Reason: reason} }
	switch {
	case !strings.HasPrefix(path, "/"):
		return refuse("it must start with \"/\"")
	case strings.ContainsAny(path, "?#"):
		return refuse("it must not hold a query or a fragment: give the query apart, and escape the path's segments")
	}
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return refuse("its escaping is broken: escape each segment with url.PathEscape")
		}
		if err := checkSegment("path", text); err != nil {
			return "", err
		}
		segments[i] = url.PathEscape(text)
	}
	return "/" + strings.Join(segments, "/"), nil
}
