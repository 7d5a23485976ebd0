// Command sdk lists integrations with the SDK.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/apono-go/apono"
)

func main() {
	if len(os.Args) < 2 {
		return // to measure initialization only
	}
	client, err := apono.NewClient("benchmark", apono.WithBaseURL(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	for integration, err := range client.Integrations.ListAll(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(integration.ID)
	}
}
