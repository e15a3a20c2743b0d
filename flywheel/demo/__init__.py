"""The main job: real flights of 2013 go through the loop, on an AWS that runs on this machine."""
