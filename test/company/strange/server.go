package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	http.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		last, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
		for n := last + 1; n <= 300; n++ {
			time.Sleep(5 * time.Millisecond)
			fmt.Fprintf(w, "id: %d\ndata: %d\n\n", n, n)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil)
}
