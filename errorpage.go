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

// notFromTheAPI describes a body that is still compressed, HTML or XML, and what to
// check. It returns "" for other bodies.
func notFromTheAPI(header http.Header, body []byte) string {
	if bytes.HasPrefix(body, []byte("\x1f\x8b")) {
		return "the body is still compressed with gzip: unset http.Transport.DisableCompression and Accept-Encoding"
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	isType := strings.Contains(strings.ToLower(header.Get("Content-Type")), "html")
	if !bytes.HasPrefix(text, []byte("<")) && (!isType || json.Valid(text)) {
		return ""
	}
	text = text[:min(len(text), 64<<10)] // the title is near the start
	what, title := "an HTML page", ""
	if bytes.HasPrefix(text, []byte("<?xml")) && !htmlElement().Match(text) {
		what = "an XML document"
	}
	if found := titleElement().FindSubmatch(text); found != nil {
		if words := oneLine(html.UnescapeString(string(found[1]))); words != "" {
			title = " titled " + strconv.Quote(cut(words, 100))
		}
	}
	return what + title + " instead of JSON: a proxy or gateway may have responded"
}
