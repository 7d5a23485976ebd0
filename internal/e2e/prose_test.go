package e2e_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// unread are files that are not this repository's own words.
var unread = []string{
	"internal/e2e/prose_test.go", // names the words
	"internal/contract/openapi.json",
	"bench/ogen/document.json", // generated, as its client
}

func TestProseUsesStandardTerms(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for path, text := range texts(t, apitest.Path(".")) {
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

// texts returns the content of each file that people write and read, by its path
// below dir.
func texts(t *testing.T, dir string) map[string]string {
	t.Helper()

	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && slices.Contains([]string{".git", "bench/ogen/client", "bench/results"}, name):
			return fs.SkipDir
		case entry.IsDir() || slices.Contains(unread, name) || entry.Name() == "go.sum" || strings.Contains(name, "testdata/"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(content, 0) >= 0 {
			return err
		}
		found[name] = string(content)
		return nil
	})
	require.NoError(t, err)
	require.Contains(t, found, "README.md")
	return found
}
