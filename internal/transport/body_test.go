package transport

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readAll allocates by the Content-Length within bounds, reads up to the limit, and
// returns the bytes read before an error.
func TestReadAll(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 100_000)
	for _, tc := range []struct {
		name          string
		body          io.Reader
		length, limit int64
		want          string
		err           error
	}{
		{"known length", strings.NewReader("12345"), 5, 1 << 20, "12345", nil},
		{"unknown length", strings.NewReader("12345"), -1, 1 << 20, "12345", nil},
		{"byte by byte", iotest.OneByteReader(strings.NewReader("12345")), -1, 1 << 20, "12345", nil},
		{"EOF with the last bytes", iotest.DataErrReader(strings.NewReader("12345")), 5, 1 << 20, "12345", nil},
		{"large", strings.NewReader(large), -1, 1 << 20, large, nil},
		{"longer than its length", strings.NewReader("12345"), 3, 1 << 20, "12345", nil},
		{"shorter than its length", strings.NewReader("12345"), 6, 1 << 20, "12345", io.ErrUnexpectedEOF},
		{"length larger than memory", strings.NewReader("12345"), math.MaxInt64, 1 << 20, "12345", io.ErrUnexpectedEOF},
		{"as long as the limit", strings.NewReader("12345"), 5, 5, "12345", nil},
		{"longer than the limit", strings.NewReader("123456"), 6, 5, "12345", ErrTooLarge},
		{"endless", endless{}, -1, 5, "xxxxx", ErrTooLarge},
		{"no limit", strings.NewReader("12345"), 5, math.MaxInt64, "12345", nil},
		{"broken", io.MultiReader(strings.NewReader("123"), errReader{errReset}), 5, 1 << 20, "123", errReset},
		{"empty", strings.NewReader(""), 0, 1 << 20, "", nil},
		{"nil", nil, 0, 1 << 20, "", nil},
		{"nil with a length", nil, 5, 1 << 20, "", io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, err := readAll(tc.body, tc.length, tc.limit)
			require.ErrorIs(t, err, tc.err)
			assert.Equal(t, tc.want, b.String())
			assert.LessOrEqual(t, b.Cap(), 2*maxClaim, "the buffer is too large")
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("x"), len(p))), nil }

// The buffer of a page is reused for the next page, but not for the body of a single
// object, which may be kept. The test is not parallel, because the pool is global.
func TestReleasedBufferIsReused(t *testing.T) { //nolint:paralleltest // see above
	reused := func(length int64) bool {
		for range 100 { // a sync.Pool may drop buffers
			b, err := readAll(strings.NewReader(strings.Repeat("x", 100_000)), 100_000, 1<<20)
			require.NoError(t, err)
			memory := &b.Bytes()[0]
			resp := &Response{Body: b.Bytes(), buffer: b}
			resp.Release()
			assert.Nil(t, resp.Body)
			next, err := readAll(strings.NewReader("y"), length, 1<<20)
			if length <= 1 {
				require.NoError(t, err)
			}
			assert.Equal(t, "y", next.String())
			if memory == &next.Bytes()[0] {
				return true
			}
		}
		return false
	}
	assert.True(t, reused(90_000), "page of about the same length")
	assert.True(t, reused(-1), "body of unknown length")
	assert.False(t, reused(1), "small body")
	(&Response{Body: []byte("{}")}).Release() // without a buffer
}

// Debug pages and gateways echo requests, with the token plain or quoted.
func TestRedacted(t *testing.T) {
	t.Parallel()
	const token = `to"ken`
	resp := &Response{
		Header: http.Header{"Set-Cookie": {"session=1"}, "X-Echo": {"a " + token, "b"}},
		Body:   []byte(`{"message":"Bearer to\"ken"}`), token: token,
	}
	header, body := resp.Redacted()
	assert.Equal(t, http.Header{"X-Echo": {"a [redacted]", "b"}}, header)
	assert.Equal(t, []string{"a " + token, "b"}, resp.Header["X-Echo"], "the response was changed")
	assert.Equal(t, `{"message":"Bearer [redacted]"}`, string(body))
	resp.Body = []byte("Bearer " + token + ` or to\"ken`)
	_, body = resp.Redacted()
	assert.Equal(t, "Bearer [redacted] or [redacted]", string(body))
}

func TestMask(t *testing.T) {
	t.Parallel()
	const long = "s3cret-token"
	assert.Equal(t, "a [redacted] b [redacted]", mask("a s3cret-token b s3cret-token", long))
	assert.Equal(t, "xx[redacted]xx", mask("xxs3cret-tokenxx", long), "a long token inside a word")
	assert.Equal(t, "a b", mask("a b", long))
	assert.Equal(t, "a b", mask("a b", ""))
	assert.Equal(t, `malformed "[redacted]"`, mask(fmt.Sprintf("malformed %q", `s3"cret-token`), `s3"cret-token`))
	assert.Equal(t, "<p>[redacted]</p>", mask("<p>s3&amp;cret-token</p>", "s3&cret-token"))
}

// BenchmarkReadAll shows the effect of buffers and of allocating by Content-Length.
func BenchmarkReadAll(b *testing.B) {
	page := bytes.Repeat([]byte("x"), 85_000)
	for name, read := range map[string]func() *Response{
		"sized and released": func() *Response {
			buffer, _ := readAll(bytes.NewReader(page), int64(len(page)), 1<<20)
			return &Response{buffer: buffer}
		},
		"released": func() *Response {
			buffer, _ := readAll(bytes.NewReader(page), -1, 1<<20)
			return &Response{buffer: buffer}
		},
		"sized": func() *Response {
			_, _ = readAll(bytes.NewReader(page), int64(len(page)), 1<<20)
			return &Response{}
		},
		"io.ReadAll": func() *Response {
			_, _ = io.ReadAll(bytes.NewReader(page))
			return &Response{}
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read().Release()
			}
		})
	}
}
