package main

import (
	"io"
	"net"
	"net/url"
	"sync"

	"k8s.io/client-go/rest"
)

// A cutter stands between a client and kube-apiserver, hands on all bytes, and cuts connections when it is told to.
type cutter struct {
	listener net.Listener
	target   string
	mutex    sync.Mutex
	open     map[net.Conn]struct{}
}

// newCutter answers one, and a copy of the config that goes through it.
func newCutter(config *rest.Config) (*cutter, *rest.Config, error) {
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	c := &cutter{listener: listener, target: target.Host, open: map[net.Conn]struct{}{}}
	go c.serve()
	through := rest.CopyConfig(config)
	through.Host = "https://" + listener.Addr().String()
	return c, through, nil
}

func (c *cutter) serve() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mutex.Lock()
		c.open[client] = struct{}{}
		c.open[server] = struct{}{}
		c.mutex.Unlock()
		go pass(client, server)
		go pass(server, client)
	}
}

func pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

// cut ends every connection, with a reset or in order, and answers how many there were.
func (c *cutter) cut(reset bool) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	count := 0
	for connection := range c.open {
		if reset {
			_ = connection.(*net.TCPConn).SetLinger(0)
		}
		if connection.Close() == nil {
			count++
		}
	}
	c.open = map[net.Conn]struct{}{}
	return count
}

func (c *cutter) close() {
	_ = c.listener.Close()
	c.cut(false)
}
