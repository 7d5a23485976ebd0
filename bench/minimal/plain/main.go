// Command plain lists integrations with net/http and encoding/json.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		return // to measure initialization only
	}
	resp, err := http.Get(os.Args[1] + "/api/admin/v4/integrations") //nolint:gosec,noctx // a minimal program
	if err != nil {
		log.Fatal(err)
	}
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	err = json.NewDecoder(resp.Body).Decode(&page)
	_ = resp.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	for _, integration := range page.Items {
		fmt.Println(integration.ID)
	}
}
