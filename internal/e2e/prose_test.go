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

// unwanted are words that do not stand in the texts of this repository, in
// comments and strings as little as in names and documents: each has a standard
// term that a reader knows from elsewhere.
var unwanted = []struct {
	word    *regexp.Regexp
	instead string
	except  []string // where the word is someone else's
}{
	{regexp.MustCompile(`(?i)refus`), "reject",
		[]string{"REFUSED_STREAM", "ErrCodeRefusedStream", "ErrConnectionRefused", "connection refused", "TokenRefused"}},
	{regexp.MustCompile(`(?i)answer`), "response, respond or return",
		[]string{"AnswerLost", "AnswerCut", "answer lost", "answer cut", "message.Answers"}}, // of aponotest, and of DNS
	{regexp.MustCompile(`(?i)\brepeat(s|ed|ing|able)?\b`), "retry, duplicate or seen before",
		[]string{"strings.Repeat", "bytes.Repeat", "slices.Repeat"}},
	{regexp.MustCompile(`(?i)letter case|case aside`), "case-insensitive", nil},
	{regexp.MustCompile(`(?i)to the letter`), "exactly", nil},
	{regexp.MustCompile(`(?i)and (its|their) kin`), "and similar", nil},
	{regexp.MustCompile(`(?i)\bfor good\b`), "permanent", nil},
	{regexp.MustCompile(`(?i)\bwhat came\b`), "the response or the body", nil},
	{regexp.MustCompile(`(?i)last pair`), "the final iteration", nil},
	{regexp.MustCompile(`(?i)\bown beginning`), "prefix", nil},
	{regexp.MustCompile(`(?i)\b(it is|is an?) empty:|: it is (empty|nil)\b`), "must not be empty", nil},
	{regexp.MustCompile(`(?i)\bma(k(e|es|ing)|de) (an?|the|this|new) (access )?(flow|request|bundle|scope|space|group|integration|report|session)s?\b`), "create", nil},
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
		for number, line := range strings.Split(text, "\n") {
			for _, u := range unwanted {
				for _, except := range u.except {
					if strings.Contains(line, except) {
						used[except] = true
						line = strings.ReplaceAll(line, except, "")
					}
				}
				if word := u.word.FindString(line); word != "" {
					t.Errorf("%s:%d: %q: write %s", path, number+1, word, u.instead)
				}
			}
		}
	}
	for _, u := range unwanted {
		for _, except := range u.except {
			assert.True(t, used[except], "%q is allowed, and nowhere to be found", except)
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
		case entry.IsDir() || slices.Contains(unread, name) || entry.Name() == "go.sum" || strings.Contains(name, "testdata/fuzz/"):
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
