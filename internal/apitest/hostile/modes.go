package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Now is the Date of responses that have one.
const Now = "Sat, 01 Jan 2000 00:00:00 GMT"

// Raw sends text and closes the connection. Each {token} in the text is replaced by
// the token of the request, and each {escaped} by the token in JSON escapes.
func Raw(text string) Mode {
	return Mode{respond: func(c *connection, req *Request) {
		var escaped strings.Builder
		for _, r := range req.token() {
			fmt.Fprintf(&escaped, `\u%04x`, r)
		}
		c.write(strings.NewReplacer("{token}", req.token(), "{escaped}", escaped.String()).Replace(text))
	}}
}

// Kept sends a response with a JSON body and keeps the connection open.
func Kept(status int, body string) Mode {
	m := Raw(fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), len(body), body))
	m.keep = true
	return m
}

// Response sends a well-formed response.
func Response(status int, header map[string]string, body string) Mode {
	return Raw(head(status, header, fmt.Sprintf("Content-Length: %d", len(body))) + body)
}

// JSON sends a response with status 200 and a JSON body.
func JSON(body string) Mode { return Response(http.StatusOK, nil, body) }

// Status sends a response with a JSON body.
func Status(status int, body string) Mode { return Response(status, nil, body) }

// HTML sends an HTML page, as portals and gateways do.
func HTML(status int) Mode {
	return Response(status, map[string]string{"Content-Type": "text/html"}, "<!doctype html>\n<title>Sign in</title>\n")
}

// NoContent sends status 204 without a body.
func NoContent() Mode { return Raw(head(http.StatusNoContent, nil, "")) }

// Unauthorized sends a 401 with the body that the API documents.
func Unauthorized() Mode {
	return Status(http.StatusUnauthorized, `{"status":"401","code":"Unauthorized"}`)
}

// RateLimited sends a 429 with the Date Now, and a Retry-After header unless
// retryAfter is empty.
func RateLimited(retryAfter string) Mode {
	header := map[string]string{"Date": Now, "Retry-After": retryAfter}
	if retryAfter == "" {
		delete(header, "Retry-After")
	}
	return Response(http.StatusTooManyRequests, header, `{"message":"slow down"}`)
}

// Redirect sends a redirect to location.
func Redirect(status int, location string) Mode {
	return Response(status, map[string]string{"Location": location}, "")
}

// NoListener makes the client dial a port without a listener.
func NoListener() Mode { return Mode{noListener: true} }

// ResetUnread resets the connection before the request is read.
func ResetUnread() Mode { return Mode{reset: true} }

// ResetRead resets the connection after the request was read.
func ResetRead() Mode { return Mode{respond: func(c *connection, _ *Request) { c.breakOff() }} }

// HangUp closes the connection without a response after the request was read.
func HangUp() Mode { return Raw("") }

// HeaderOnly sends a header with a Content-Length, but no body.
func HeaderOnly() Mode { return Raw(head(http.StatusOK, nil, "Content-Length: 100")) }

// CutLength sends a body that is shorter than its Content-Length.
func CutLength(part string) Mode {
	return Raw(head(http.StatusOK, nil, fmt.Sprintf("Content-Length: %d", len(part)+1)) + part)
}

// CutChunked sends a chunked body without its end.
func CutChunked(part string) Mode { return Raw(head(http.StatusOK, nil, chunked) + chunk(part)) }

// CutGzip sends a compressed body without its end.
func CutGzip(body string) Mode {
	return gzipped(func(packed []byte) []byte { return packed[:len(packed)-10] }, body)
}

// CorruptGzip sends a compressed body with a wrong checksum.
func CorruptGzip(body string) Mode {
	return gzipped(func(packed []byte) []byte {
		packed[len(packed)-8] ^= 0xff
		return packed
	}, body)
}

// GzipBomb sends a few kilobytes that decompress to many megabytes.
func GzipBomb(megabytes int) Mode {
	return gzipped(slices.Clone[[]byte], `"`+strings.Repeat("x", megabytes<<20)+`"`)
}

// Endless sends a body that never ends, as fast as it is read.
func Endless() Mode {
	return Mode{respond: func(c *connection, _ *Request) {
		for more := c.write(head(http.StatusOK, nil, chunked)); more; {
			more = c.write(chunk(strings.Repeat(" ", 1<<16)))
		}
	}}
}

// DripBody sends a body that never ends, a byte at a time.
func DripBody() Mode {
	return Mode{respond: func(c *connection, _ *Request) {
		c.write(head(http.StatusOK, nil, chunked))
		c.drip(chunk(" "))
	}}
}

// DripHeader sends a header that never ends, a byte at a time.
func DripHeader() Mode {
	return Mode{respond: func(c *connection, _ *Request) {
		c.write("HTTP/1.1 200 OK\r\nX-Padding: ")
		c.drip("x")
	}}
}

// HTTP10 sends an HTTP/1.0 response, whose body ends with the connection.
func HTTP10(body string) Mode {
	return Raw("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body)
}

// Page sends a page of a list with page tokens.
func Page(token string, ids ...string) Mode { return JSON(page(token, ids...)) }

// NewTokens sends pages of one item, each with a new page token.
func NewTokens() Mode {
	n := new(atomic.Int64)
	return Mode{respond: func(c *connection, req *Request) {
		next := fmt.Sprint(n.Add(1))
		Page("token-"+next, "item-"+next).respond(c, req)
	}}
}

// OffsetPage sends a page of a list with offsets.
func OffsetPage(total, limit, offset int, ids ...string) Mode {
	return JSON(fmt.Sprintf(`{"data":%s,"pagination":{"total":%d,"limit":%d,"offset":%d}}`, objects(ids), total, limit, offset))
}

func page(token string, ids ...string) string {
	return fmt.Sprintf(`{"items":%s,"pagination":{"next_page_token":%q}}`, objects(ids), token)
}

func objects(ids []string) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprintf(`{"id":%q,"name":%q}`, id, "name of "+id)
	}
	return "[" + strings.Join(texts, ",") + "]"
}

const chunked = "Transfer-Encoding: chunked"

func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// head returns a header with Connection: close. The last line, framing, may be empty.
func head(status int, header map[string]string, framing string) string {
	lines := []string{fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)), "Connection: close"}
	if _, ok := header["Content-Type"]; !ok {
		lines = append(lines, "Content-Type: application/json")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		lines = append(lines, name+": "+header[name])
	}
	if framing != "" {
		lines = append(lines, framing)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// gzipped sends the result of spoil for a compressed body. Only decompression can
// detect the error, because header and length are correct.
func gzipped(spoil func(packed []byte) []byte, body string) Mode {
	var b bytes.Buffer
	writer := gzip.NewWriter(&b)
	_, _ = io.WriteString(writer, body) // a bytes.Buffer returns no error
	_ = writer.Close()
	return Response(http.StatusOK, map[string]string{"Content-Encoding": "gzip"}, string(spoil(b.Bytes())))
}

// drip sends text every 5 ms until the client or the server closes the connection.
func (c *connection) drip(text string) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for c.write(text) {
		select {
		case <-ticker.C:
		case <-c.closed:
			return
		}
	}
}
