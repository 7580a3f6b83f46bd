package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	last := ""
	for {
		request, _ := http.NewRequest("GET", os.Args[1], nil)
		request.Header.Set("Accept", "text/event-stream")
		if last != "" {
			request.Header.Set("Last-Event-ID", last)
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			id, data := last, ""
			for lines := bufio.NewScanner(response.Body); lines.Scan(); {
				line := lines.Text()
				if strings.HasPrefix(line, "data: ") {
					data = line[6:]
				} else if strings.HasPrefix(line, "id: ") {
					id = line[4:]
				} else if line == "" {
					last = id
					if data != "" {
						fmt.Println(data)
					}
					data = ""
				}
			}
			response.Body.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
}
