// Command attribute-types prints the attributes that access flows can match
// identities by.
//
// With APONO_TOKEN or APONO_PERSONAL_TOKEN set it talks to Apono. Without, it
// starts a fake server with a made-up company and prints that one's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/apono-go/apono"
	"github.com/apono-go/apono/examples/internal/program"
)

func main() { program.Main("attribute-types", run) }

const about = `Prints the types of the attributes that access flows can match identities by,
sorted, one on a line. Letter case matters in them.`

// attributeType is one type, as -json -count prints it.
type attributeType struct {
	Type   string `json:"type"`
	Values int    `json:"values"`
}

func run(ctx context.Context, p *program.Program) error {
	source := p.Flags.String("source", "", "only attributes that come from this `integration`, by its id or name")
	asJSON := p.Flags.Bool("json", false, "print an array in JSON")
	count := p.Flags.Bool("count", false, "print after each type, and a tab, how many different values it has")
	if err := p.Parse(about); err != nil {
		return err
	}

	client, disconnect, err := p.Connect(nil)
	if err != nil {
		return err
	}
	defer disconnect()

	progress, read := p.Progress(), 0
	values := map[string]map[string]bool{}
	for attribute, err := range client.Attributes.ListAll(ctx, apono.ListAttributesOptions{SourceIntegrationReference: *source}) {
		if err != nil {
			progress("")
			return err
		}
		if values[attribute.Type] == nil {
			values[attribute.Type] = map[string]bool{}
		}
		values[attribute.Type][attribute.Value] = true
		read++
		progress("%s", program.Plural(read, "attribute"))
	}
	progress("")

	types := slices.Sorted(maps.Keys(values))
	counted := make([]attributeType, len(types))
	for i, name := range types {
		counted[i] = attributeType{name, len(values[name])}
	}
	switch {
	case *asJSON && *count:
		return json.NewEncoder(p.Stdout).Encode(counted)
	case *asJSON:
		// Not nil, so that no types are an empty array.
		return json.NewEncoder(p.Stdout).Encode(append([]string{}, types...))
	case len(types) == 0:
		fmt.Fprintln(p.Stderr, "There are no such attributes.")
	}
	for _, t := range counted {
		line := t.Type
		if *count {
			line = fmt.Sprintf("%s\t%d", t.Type, t.Values)
		}
		if _, err := fmt.Fprintln(p.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
