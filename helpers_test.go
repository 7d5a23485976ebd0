package apono_test

import (
	"errors"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/check"
	"github.com/apono-go/apono/internal/script"
)

const (
	testToken = "test-token-8f3a"
	// testBase has a path, so that a request that forgets the base is seen.
	testBase = "https://apono.test/base"
)

// newClient returns a client that is answered by a script.
func newClient(t *testing.T, fake *script.Transport, opts ...apono.Option) *apono.Client {
	t.Helper()
	opts = append([]apono.Option{apono.WithBaseURL(testBase), apono.WithHTTPClient(fake.Client())}, opts...)
	client, err := apono.NewClient(testToken, opts...)
	check.NoError(t, err)
	return client
}

// sent checks what one request was, all of it: the method, the path below the
// base, the query, and the JSON body, empty for none.
func sent(t *testing.T, req script.Request, method, path, query, body string) {
	t.Helper()
	check.Equal(t, req.Method, method)
	check.Equal(t, req.Path, "/base"+path)
	check.Equal(t, req.Query, query)
	check.Equal(t, req.Header.Get("Authorization"), "Bearer "+testToken)
	check.Equal(t, req.Header.Get("Accept"), "application/json")
	check.Equal(t, req.HasBody, body != "")
	if body != "" {
		check.Equal(t, req.Header.Get("Content-Type"), "application/json")
		check.JSON(t, req.Body, body)
	} else {
		check.Equal(t, req.Header.Get("Content-Type"), "")
	}
}

// names collects what name gives for each item of a list, and the error that
// ended it.
func names[T any](seq iter.Seq2[*T, error], name func(*T) string) ([]string, error) {
	var all []string
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, name(item))
	}
	return all, nil
}

func integrationID(i *apono.Integration) string { return i.ID }

// tagged fails unless every exported field of the types has a tag of its own.
func tagged(t *testing.T, tag string, types ...reflect.Type) {
	t.Helper()
	for _, typ := range types {
		seen := map[string]bool{"": true}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if field.Name == "Extra" {
				check.Equal(t, string(field.Tag), `json:",embed,inline"`)
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get(tag), ",")
			check.True(t, !field.IsExported() || !seen[name], "a %s tag of its own on %s.%s, got %q", tag, typ, field.Name, name)
			seen[name] = true
		}
	}
}

// noRequest is a script that fails the test when anything is sent.
func noRequest(t *testing.T) *script.Transport { return script.New(t) }

var errReset = errors.New("connection reset by peer")
