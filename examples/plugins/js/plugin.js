// Adds a field to the request, and one to the response.
import { send } from 'cuttle:plugin/outbound@0.1.0';
import { read, utf8 } from './settings.js';

let settings;

export const httpClient = {
  // A text that is thrown stops the gateway's start.
  configure(text) {
    settings = read(text);
  },

  // What `send` throws is an error of the contract: it fails this request.
  handle(request) {
    request.setHeader('x-greeting', settings.greeting);
    const response = send(request);
    response.setHeader('x-greeted-by', utf8('hello-js'));
    return response;
  },
};
