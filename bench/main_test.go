package bench

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/apono-go/apono/bench/server"
)

// addresses are those of the server.
var addresses server.Addresses

// isServer is the environment variable that makes the test binary the server.
const isServer = "BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(isServer) != "" {
		if err := server.Run(os.Stdin, os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(run(m))
}

// run starts the server and runs the benchmarks.
func run(m *testing.M) int {
	cmd := exec.Command(must(os.Executable()))
	cmd.Env, cmd.Stderr = append(os.Environ(), isServer+"=1"), os.Stderr
	input := must(cmd.StdinPipe())
	output := must(cmd.StdoutPipe())
	check(cmd.Start())
	defer func() {
		_ = input.Close() // ends the server
		_ = cmd.Wait()
	}()
	check(json.NewDecoder(output).Decode(&addresses))
	fmt.Println("goversion: " + runtime.Version()) // for benchstat
	return m.Run()
}

// must and check exit if the benchmarks cannot be set up.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
