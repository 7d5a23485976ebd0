package apono

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Most programs never see such a page, so none compiles these when it starts.
var (
	htmlElement  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)<html[\s>]`) })
	titleElement = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`) })
)

// notFromTheAPI says what a body is that no server of the API sends, and what to
// look at. It is empty for any other.
func notFromTheAPI(header http.Header, body []byte) string {
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) {
		return "the body is still compressed with gzip: let the transport decompress it (http.Transport.DisableCompression), and set no Accept-Encoding"
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	isType := strings.Contains(strings.ToLower(header.Get("Content-Type")), "html")
	if !bytes.HasPrefix(text, []byte("<")) && (!isType || json.Valid(text)) {
		return ""
	}
	text = text[:min(len(text), 64<<10)] // a title stands at the beginning
	what, title := "an HTML page", ""
	if bytes.HasPrefix(text, []byte("<?xml")) && !htmlElement().Match(text) {
		what = "an XML document"
	}
	if found := titleElement().FindSubmatch(text); found != nil {
		if words := oneLine(html.UnescapeString(string(found[1]))); words != "" {
			title = " titled " + strconv.Quote(cut(words, 100))
		}
	}
	return what + title + " came in place of JSON: a proxy or gateway may have responded"
}
