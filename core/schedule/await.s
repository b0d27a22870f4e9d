// Nothing is here; see await.go.
