package e2e_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/apono-go/apono/internal/apitest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A token in a file, such as a recorded fixture, would stay in the history of the
// repository.
func TestNoFileContainsToken(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile("aup" + `_[A-Za-z0-9]{6,}`)
	require.Regexp(t, token, "aup"+"_0123456789", "the pattern does not match a token")
	files := 0
	eachFile(t, func(path string) {
		files++
		data, err := os.ReadFile(apitest.Path(path))
		require.NoError(t, err)
		assert.Falsef(t, token.Match(data), "%s contains an Apono token", path)
	})
	require.Greater(t, files, 50, "files are missing")
}

// eachFile calls a function with the path of each file of the repository.
func eachFile(t *testing.T, call func(path string)) {
	t.Helper()
	require.NoError(t, fs.WalkDir(os.DirFS(apitest.Path(".")), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.Type().IsRegular():
			call(path)
		}
		return nil
	}))
}

// Dependabot updates the modules that its configuration lists.
func TestDependabotListsEveryModule(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(apitest.Path(".github/dependabot.yml"))
	require.NoError(t, err)
	modules := 0
	err = fs.WalkDir(os.DirFS(apitest.Path(".")), ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "go.mod" {
			modules++
			require.Contains(t, string(config), "\n      - "+path.Join("/", filepath.ToSlash(filepath.Dir(file)))+"\n")
		}
		return err
	})
	require.NoError(t, err)
	require.GreaterOrEqual(t, modules, 5, "modules are missing")
}
