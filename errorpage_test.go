package apono_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/internal/apitest"
	"github.com/apono-go/apono/internal/apitest/script"
	"github.com/stretchr/testify/require"
)

// The error names the cause, such as a proxy, rather than an invalid character.
func TestErrorsNameHTMLAndCompressedBodies(t *testing.T) {
	t.Parallel()
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	_, _ = writer.Write([]byte(apitest.OneIntegration))
	_ = writer.Close()
	const (
		unusable = "200 OK with a body that cannot be used: "
		place    = " instead of JSON: a proxy or gateway may have responded"
		page     = "an HTML page"
	)
	for _, tc := range []struct {
		name, kind, body, want string
		status                 int
	}{
		{"login page", "text/html", "<!doctype html>\n<title>\n Sign in &amp; go </title>", unusable + page + ` titled "Sign in & go"` + place, 200},
		{"login page as 403", "text/html", "<html><head><TITLE lang=en>Sign in</TITLE>", "403 Forbidden: " + page + ` titled "Sign in"` + place, 403},
		{"HTML type without HTML", "text/html; charset=utf-8", "Bad gateway", "404 Not Found: " + page + place, 404},
		{"HTML without a type", "", "\ufeff\n<p>", unusable + page + place, 200},
		{"title too long", "", "<title>" + strings.Repeat("x", 200) + "</title>", unusable + page + ` titled "` + strings.Repeat("x", 100) + `…"` + place, 200},
		{"title with an address", "", "<title>Hello ann@example.com</title>", unusable + page + ` titled "Hello [e-mail]"` + place, 200},
		{"title with the token", "", "<title>Hello " + apitest.Token + "</title>", unusable + page + ` titled "Hello [redacted]"` + place, 200},
		{"XHTML", "", `<?xml version="1.0"?><html xmlns="x"><title>Hello</title>`, unusable + page + ` titled "Hello"` + place, 200},
		{"XML", "application/xml", `<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`, "403 Forbidden: an XML document" + place, 403},
		{"gzip", "application/json", compressed.String(), unusable + "the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding", 200},
		{"gzip as 404", "", compressed.String(), "404 Not Found: the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding", 404},
		{"JSON with the type of HTML", "text/html", `{"id":7}`, unusable + "id: cannot unmarshal number into Go string", 200},
		{"JSON that is called a page, as 404", "text/html", `{"message":"no such thing"}`, "404 Not Found: no such thing", 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := script.New(t, script.Response{Status: tc.status, Header: map[string]string{"Content-Type": tc.kind}, Body: tc.body})
			err := apitest.GetIntegration(t.Context(), apitest.NewClient(t, fake))
			require.EqualError(t, err, "apono: GET /api/admin/v4/integrations/{id}: "+tc.want)
		})
	}
	// A call without a result reports HTML as well.
	fake := script.New(t, script.Response{Body: "<title>Sign in</title>"})
	err := apitest.CallWith(t.Context(), http.MethodDelete, apitest.NewClient(t, fake))
	require.ErrorContains(t, apitest.ErrorAs[*apono.DecodeError](t, err), page+` titled "Sign in"`+place)
}
