package aponotest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// direct is a transport that calls a server without a network.
type direct struct{ server *Server }

func (d direct) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	incoming := req.Clone(req.Context())
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	defer func() { _ = incoming.Body.Close() }()
	w := &recorder{header: http.Header{}}
	broken := w.serve(d.server, incoming)
	if w.status == 0 {
		if req.Context().Err() != nil {
			return nil, req.Context().Err()
		}
		return nil, errBroken
	}
	body := io.Reader(&w.body)
	if broken {
		body = io.MultiReader(body, brokenReader{})
	}
	length, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64)
	if err != nil {
		length = int64(w.body.Len())
	}
	return &http.Response{
		StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(body), ContentLength: length, Request: req,
	}, nil
}

var errBroken = errors.New("aponotest: connection closed by a fault")

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// recorder is a ResponseWriter that keeps the response.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) { w.status = status }

func (w *recorder) Write(data []byte) (int, error) { return w.body.Write(data) }

// serve calls the handler and reports whether it aborted the connection.
func (w *recorder) serve(h http.Handler, req *http.Request) (broken bool) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler { //nolint:errorlint // handlers panic with this value
				panic(v)
			}
			broken = true
		}
	}()
	h.ServeHTTP(w, req)
	return false
}
