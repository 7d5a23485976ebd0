package e2e_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/apono-go/apono/internal/apitest"
)

// unwanted are words that have a standard term, in lower case. They must not be in
// any text of this repository: comments, strings, names and documents. Each begins
// with literal characters, which makes the search fast.
var unwanted = []struct {
	word    *regexp.Regexp
	instead string
	except  []string // names that are not this repository's, or that stay
}{
	{regexp.MustCompile(`refus`), "reject",
		[]string{"refused_stream", "errcoderefusedstream", "errconnectionrefused", "connection refused", "tokenrefused"}},
	{regexp.MustCompile(`answer`), "response, respond or return",
		[]string{"answerlost", "answercut", "answer lost", "answer cut", "message.answers"}}, // of aponotest, and of DNS
	{regexp.MustCompile(`repeat(s|ed|ing|able)?\b`), "retry, duplicate or seen before",
		[]string{"strings.repeat", "bytes.repeat", "slices.repeat"}},
	{regexp.MustCompile(`letter case`), "case-insensitive", nil},
	{regexp.MustCompile(`case aside`), "case-insensitive", nil},
	{regexp.MustCompile(`to the letter`), "exactly", nil},
	{regexp.MustCompile(`and (its|their) kin`), "and similar", nil},
	{regexp.MustCompile(`for good\b`), "permanent", nil},
	{regexp.MustCompile(`what came\b`), "the response or the body", nil},
	{regexp.MustCompile(`last pair`), "the final iteration", nil},
	{regexp.MustCompile(`own beginning`), "prefix", nil},
	{regexp.MustCompile(`it is (empty|nil)[:"]`), "must not be empty", nil},
	{regexp.MustCompile(`ma(k(e|es|ing)|de) (an?|the|this|new) (access )?(flow|request|bundle|scope|space|group|integration|report|session)s?\b`), "create", nil},
}

// unread matches files that are not prose of this repository: fixtures, generated
// files, checksums, and this file, which contains the words.
var unread = regexp.MustCompile(`^(internal/e2e/prose_test\.go|internal/contract/openapi\.json|bench/(results|ogen/client)/.*|` +
	`bench/ogen/document\.json|(.*/)?testdata/.*|(.*/)?go\.sum)$`)

func TestProseUsesStandardTerms(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for path, text := range texts(t) {
		text = strings.ToLower(text)
		for _, u := range unwanted {
			for _, except := range u.except {
				used[except] = used[except] || strings.Contains(text, except)
				text = strings.ReplaceAll(text, except, "")
			}
			for _, at := range u.word.FindAllStringIndex(text, -1) {
				line := 1 + strings.Count(text[:at[0]], "\n")
				t.Errorf("%s:%d: %q: write %s", path, line, text[at[0]:at[1]], u.instead)
			}
		}
	}
	for _, u := range unwanted {
		for _, except := range u.except {
			assert.True(t, used[except], "%q is an exception that no file needs", except)
		}
	}
}

// texts returns the content of each text file that is not unread, by its path.
func texts(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	eachFile(t, func(path string) {
		if unread.MatchString(path) {
			return
		}
		content, err := os.ReadFile(apitest.Path(path))
		require.NoError(t, err)
		if bytes.IndexByte(content, 0) < 0 {
			found[path] = string(content)
		}
	})
	require.Contains(t, found, "README.md")
	return found
}
