package apono_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/apono-go/apono/internal/check"
)

// A token that was used to record a fixture stays in the history for good, and
// whoever clones the repository has it.
func TestNoFileHoldsAToken(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile("aup" + `_[A-Za-z0-9]{6,}`)
	check.True(t, token.MatchString("aup"+"_0123456789"), "the pattern to find a token")
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		files++
		data, err := os.ReadFile(path)
		if token.Match(data) {
			t.Errorf("%s holds what looks like a token of Apono's", path)
		}
		return err
	})
	check.NoError(t, err)
	check.True(t, files > 50, "the files of the repository, got %d", files)
}
